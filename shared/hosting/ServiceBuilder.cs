using System.Text.Json.Nodes;
using HomeStage.Hosting.Configuration;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Health;
using HomeStage.Hosting.Problems;
using HomeStage.Hosting.Support;
using HomeStage.Hosting.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace HomeStage.Hosting;

/// <summary>
/// Collects what a service is made of: settings, registrations, routes, and steps of its migration. Every host gets
/// JSON logs, telemetry, problem details, a management listener, and a clock without being asked.
/// </summary>
public sealed class ServiceBuilder
{
    private readonly WebApplicationBuilder _web;
    private readonly List<Action<WebApplication>> _maps = [];
    private readonly List<Action<WebApplication>> _middleware = [];
    private readonly List<Func<Settings, Func<CancellationToken, Task>>> _migrations = [];
    private readonly List<(Uri Url, HttpProtocols Protocols)> _listeners = [];
    private Action<ListenOptions>? _listener;
    private bool _describing;

    internal ServiceBuilder(string name, string[] args)
    {
        Name = name;
        _web = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        Settings = new Settings(_web.Configuration, _web.Environment.IsProduction());
        Services.TryAddSingleton(TimeProvider.System);
        this.AddHealth();
        this.AddTelemetry();
        this.AddProblems();
    }

    /// <summary>The service's name: issuer and audience in internal tokens, prefix of its queues.</summary>
    public string Name { get; }

    /// <summary>The settings, to be read while the features are added.</summary>
    public Settings Settings { get; }

    /// <summary>The registrations.</summary>
    public IServiceCollection Services => _web.Services;

    /// <summary>The underlying configuration, for sections such as YARP's routes.</summary>
    public IConfigurationManager Configuration => _web.Configuration;

    /// <summary>The content root and environment.</summary>
    public IWebHostEnvironment Environment => _web.Environment;

    /// <summary>What is done to the service's part of the API document in the end.</summary>
    public Func<JsonObject, IServiceProvider, JsonObject> FinishDescription { get; set; } = (document, _) => document;

    /// <summary>Whether every route needs a valid internal identity.</summary>
    internal bool AuthenticatesCallers { get; set; }

    internal WebApplicationBuilder Web => _web;

    /// <summary>Where the support API listens, in a service that has one.</summary>
    internal Uri? SupportUrl { get; set; }

    /// <summary>Adds routes to the service's listener. What is not allowed by name needs a valid internal identity.</summary>
    public void Map(Action<WebApplication> map) => _maps.Add(map);

    /// <summary>As <see cref="Map"/>, for routes that forward to another service, which describes what it answers.</summary>
    public void MapForwarding(Action<WebApplication> map) => Map(app =>
    {
        if (!_describing)
            map(app);
    });

    /// <summary>Adds middleware in front of the routes of the service's listener, after error handling.</summary>
    public void Use(Action<WebApplication> use) => _middleware.Add(use);

    /// <summary>Changes the service's listener, for instance to TLS.</summary>
    public void ConfigureListener(Action<ListenOptions> configure) => _listener = configure;

    /// <summary>
    /// Adds a listener for the same routes, which speaks other protocols: without TLS nothing tells a server whether a client means HTTP/1.1 or
    /// HTTP/2 (RFC 9113, section 3.3), so each has an address of its own.
    /// </summary>
    public void AddListener(Uri url, HttpProtocols protocols) => _listeners.Add((url, protocols));

    /// <summary>Adds a step to <c>migrate</c>, in the order of adding. It reads its settings at once and acts when called.</summary>
    internal void AddMigration(Func<Settings, Func<CancellationToken, Task>> step) => _migrations.Add(step);

    internal WebApplication Build()
    {
        var listen = Settings.Url("HTTP_URL", "the address that the service listens on, e.g. http://127.0.0.1:5001");
        this.AddDrainDelay(serves: _maps.Count > 0);
        Settings.ThrowIfInvalid();
        _web.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(Listeners.EndPointOf(listen), options => _listener?.Invoke(options));
            foreach (var (url, protocols) in _listeners)
                kestrel.Listen(Listeners.EndPointOf(url), options => options.Protocols = protocols);
            if (SupportUrl is not null)
            {
                kestrel.Listen(Listeners.EndPointOf(SupportUrl), options => options.Use(next => connection =>
                {
                    connection.Features.Set(SupportConnection.Mark);
                    return next(connection);
                }));
            }
        });

        var app = _web.Build();
        app.UseGracefulStop(app.Services.GetRequiredService<GracefulStop>());
        if (SupportUrl is not null)
            app.UseSupport();
        app.UseTelemetry();
        app.UseProblems();
        foreach (var use in _middleware)
            use(app);
        app.UseRouting();
        if (AuthenticatesCallers)
        {
            app.UseAuthentication();
            app.UseAuthorization();
        }
        else
        {
            // Who has schemes of its own uses them where it needs them; the framework would try them on every request, before all else.
            ((IApplicationBuilder)app).Properties["__AuthenticationMiddlewareSet"] = true;
        }

        foreach (var map in _maps)
            map(app);
        return app;
    }

    internal async Task MigrateAsync(CancellationToken cancellationToken)
    {
        // Only what the migration itself needs must be set: its job has no business with the service's secrets.
        Settings.Forget();
        var steps = _migrations.ConvertAll(migration => migration(Settings));
        Settings.ThrowIfInvalid();
        foreach (var step in steps)
            await step(cancellationToken);
    }

    /// <summary>The service's part of the API document. Needs no setting, connects to nothing, and serves nobody.</summary>
    internal async Task<JsonObject> DescribeAsync(CancellationToken cancellationToken)
    {
        this.AddDrainDelay(serves: false);
        Settings.Forget();
        _describing = true;
        var description = new ApiDescription();
        description.AddTo(Services);
        await using var app = _web.Build();
        app.UseRouting();
        foreach (var map in _maps)
            map(app);
#pragma warning disable ASP0014 // The framework does this when it starts to serve, which it will not.
        app.UseEndpoints(_ => { });
#pragma warning restore ASP0014
        return FinishDescription(await description.OfAsync(app, cancellationToken), app.Services);
    }
}
