using HomeStage.Hosting.Telemetry;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace HomeStage.Hosting.Health;

/// <summary>
/// Serves <c>/health/live</c>, <c>/health/ready</c> and <c>/metrics</c>, from before anything else has started until everything else has
/// stopped: a server of its own, because the service's own closes as the first thing of a stop.
/// </summary>
public sealed class ManagementListener : IHostedService, IHttpApplication<HttpContext>, IDisposable
{
    private readonly IServiceProvider _services;
    private readonly KestrelServer _server;

    internal ManagementListener(Uri url, IServiceProvider services)
    {
        _services = services;
        var options = new KestrelServerOptions { AddServerHeader = false, ApplicationServices = services };
        options.Listen(Listeners.EndPointOf(url));
        var logs = services.GetRequiredService<ILoggerFactory>();
        _server = new KestrelServer(Options.Create(options), new SocketTransportFactory(Options.Create(new SocketTransportOptions()), logs), logs);
    }

    /// <summary>Where it listens, once it does.</summary>
    public Uri Url => new(_server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First());

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => _server.StartAsync(this, cancellationToken);

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => _server.StopAsync(cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _server.Dispose();

    /// <inheritdoc/>
    public HttpContext CreateContext(IFeatureCollection contextFeatures) =>
        new DefaultHttpContext(contextFeatures) { ServiceScopeFactory = _services.GetRequiredService<IServiceScopeFactory>() };

    /// <inheritdoc/>
    public void DisposeContext(HttpContext context, Exception? exception) => ((DefaultHttpContext)context).Uninitialize();

    /// <inheritdoc/>
    public async Task ProcessRequestAsync(HttpContext context)
    {
        var answer = !HttpMethods.IsGet(context.Request.Method) ? TypedResults.NotFound() : context.Request.Path.Value switch
        {
            "/health/live" => TypedResults.Ok(new { status = "live" }),
            "/health/ready" => await ReadyAsync(context.RequestAborted),
            "/metrics" => TypedResults.Text(_services.GetRequiredService<PrometheusExporter>().Collect(), PrometheusExporter.ContentType),
            _ => (IResult)TypedResults.NotFound(),
        };
        await answer.ExecuteAsync(context);
    }

    private async Task<IResult> ReadyAsync(CancellationToken cancellationToken)
    {
        var reasons = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!_services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.IsCancellationRequested)
            reasons["start"] = "still starting";
        if (_services.GetRequiredService<GracefulStop>().IsAnnounced)
            reasons["stop"] = "draining";
        foreach (var check in _services.GetServices<ReadinessCheck>())
        {
            if (await check.NotReadyBecause(cancellationToken) is { } reason)
                reasons[check.Name] = reason;
        }

        return reasons.Count == 0
            ? TypedResults.Ok(new { status = "ready" })
            : TypedResults.Json(new { status = "not ready", reasons }, statusCode: StatusCodes.Status503ServiceUnavailable);
    }
}
