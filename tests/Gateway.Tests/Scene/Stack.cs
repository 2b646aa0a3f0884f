using System.Security.Cryptography;
using HomeStage.Gateway.Sessions;
using HomeStage.Hosting;
using HomeStage.Hosting.Health;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace HomeStage.Gateway.Tests.Scene;

/// <summary>The gateway on a real listener, between a client and its three upstreams.</summary>
public sealed class Stack : IAsyncDisposable
{
    public const string PublicOrigin = "http://localhost:8080";

    public const string Pepper = "f3c1d0a97b5e4c26a8d91b07e64f52aa";

    private readonly TemporaryFolder _folder = new();
    private WebApplication? _gateway;
    private Action<IServiceCollection>? _configure;

    private Stack()
    {
    }

    public ManualTime Time { get; } = new();

    public CapturedLogs Logs { get; } = new();

    public FakeUpstream Billing { get; private set; } = null!;

    public FakeUpstream Entitlements { get; private set; } = null!;

    public FakeUpstream StagingApi { get; private set; } = null!;

    public WebApplication Gateway => _gateway!;

    public Uri Url => new(Gateway.Urls.First());

    public Uri ManagementUrl => Gateway.Services.GetRequiredService<ManagementListener>().Url;

    public string CookieKeysFolder => _folder.File("cookie-keys");

    public Dictionary<string, string> Settings { get; private set; } = [];

    /// <summary>How often the gateway reads revocations by itself.</summary>
    public TimeSpan RevocationsReadEvery { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Starts everything.</summary>
    /// <param name="settings">Changes the gateway's settings; a null value removes one.</param>
    /// <param name="stagingApi">Answers at staging-api instead of the echo.</param>
    /// <param name="entitlements">Answers at entitlements instead of the echo.</param>
    /// <param name="billing">Answers at billing instead of the echo.</param>
    /// <param name="configure">Changes the gateway's registrations.</param>
    public static async Task<Stack> StartAsync(
        Action<Stack, Dictionary<string, string>>? settings = null,
        Func<HttpContext, Task<bool>>? stagingApi = null,
        Func<HttpContext, Task<bool>>? entitlements = null,
        Func<HttpContext, Task<bool>>? billing = null,
        Action<IServiceCollection>? configure = null)
    {
        var stack = new Stack { _configure = configure };
        Directory.CreateDirectory(stack.CookieKeysFolder);
        Directory.CreateDirectory(stack._folder.File("callers"));
        stack.AddCookieKey("0001");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await File.WriteAllTextAsync(stack._folder.File("identity.pem"), key.ExportPkcs8PrivateKeyPem());
        await File.WriteAllTextAsync(stack._folder.File("callers/gateway.pem"), key.ExportSubjectPublicKeyInfoPem());

        var callers = stack._folder.File("callers");
        stack.Billing = await FakeUpstream.StartAsync("billing", callers, stack.Time, billing);
        stack.Entitlements = await FakeUpstream.StartAsync("entitlements", callers, stack.Time, entitlements);
        stack.StagingApi = await FakeUpstream.StartAsync("staging-api", callers, stack.Time, stagingApi);
        stack.Settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["HTTP_URL"] = "http://127.0.0.1:0",
            ["MANAGEMENT_URL"] = "http://127.0.0.1:0",
            ["PUBLIC_URL"] = PublicOrigin,
            ["COOKIE_KEYS_DIR"] = stack.CookieKeysFolder,
            ["ADDRESS_PEPPER"] = Pepper,
            ["IDENTITY_KEY_FILE"] = stack._folder.File("identity.pem"),
            ["BILLING_URL"] = stack.Billing.Url,
            ["ENTITLEMENTS_URL"] = stack.Entitlements.Url,
            ["STAGING_API_URL"] = stack.StagingApi.Url,
            ["STAGING_API_STREAMS_URL"] = stack.StagingApi.StreamsUrl,
            ["ENVIRONMENT"] = "Development",
            // Tests of limits switch them on and bring a Redis.
            ["LIMITS"] = "off",
            ["REDIS_CONNECTION"] = "127.0.0.1:1",
        };
        settings?.Invoke(stack, stack.Settings);
        try
        {
            await stack.RestartGatewayAsync();
        }
        catch
        {
            await stack.DisposeAsync();
            throw;
        }

        return stack;
    }

    /// <summary>Stops the gateway if it runs, and starts it with the present settings: a new replica.</summary>
    public async Task RestartGatewayAsync()
    {
        await StopGatewayAsync();
        _gateway = await StartReplicaAsync();
    }

    /// <summary>One more replica of billing, which only those know whom a test tells of it.</summary>
    public Task<FakeUpstream> StartBillingReplicaAsync() => FakeUpstream.StartAsync("billing", PathOf("callers"), Time);

    /// <summary>One more gateway with the same settings; the caller stops it.</summary>
    public Task<WebApplication> StartReplicaAsync() => ServiceHost.StartAsync("gateway", Settings, GatewayService.Compose, services =>
    {
        services.AddSingleton<TimeProvider>(Time);
        services.AddSingleton<ILoggerProvider>(Logs);
        services.AddSingleton(new RevocationTimes(RevocationsReadEvery));
        _configure?.Invoke(services);
    });

    public async Task StopGatewayAsync()
    {
        if (_gateway is null)
            return;
        await _gateway.StopAsync();
        await _gateway.DisposeAsync();
        _gateway = null;
    }

    /// <summary>A client that keeps no cookies and follows no redirects.</summary>
    public HttpClient Client() => Client(Url);

    public static HttpClient Client(Uri url) =>
        new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = url };

    public void AddCookieKey(string name) =>
        File.WriteAllText(Path.Combine(CookieKeysFolder, name + ".key"), Convert.ToBase64String(RandomNumberGenerator.GetBytes(64)));

    public void RemoveCookieKey(string name) => File.Delete(Path.Combine(CookieKeysFolder, name + ".key"));

    public string PathOf(string name) => _folder.File(name);

    public async ValueTask DisposeAsync()
    {
        await StopGatewayAsync();
        await StagingApi.DisposeAsync();
        await Entitlements.DisposeAsync();
        await Billing.DisposeAsync();
        _folder.Dispose();
    }
}

/// <summary>One stack for the tests that change nothing about it and count nothing in it.</summary>
public sealed class SharedStack : IAsyncLifetime
{
    public const string AllowedOrigin = "https://app.partner.example";

    public Stack Stack { get; private set; } = null!;

    public async ValueTask InitializeAsync() =>
        Stack = await Stack.StartAsync((_, settings) => settings["ALLOWED_ORIGINS"] = $"https://other.example, {AllowedOrigin}");

    public ValueTask DisposeAsync() => Stack.DisposeAsync();
}
