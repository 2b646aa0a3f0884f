using System.Security.Cryptography;
using HomeStage.Hosting.Identity;
using HomeStage.Testing;
using HomeStage.Tool.Servers;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Tokens;

namespace HomeStage.Hosting.Tests;

/// <summary>A service made of nothing but what a test composes, on real listeners.</summary>
internal sealed class TestHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TemporaryFolder _folder;

    private TestHost(WebApplication app, TemporaryFolder folder, ECDsa callerKey, Uri address, Uri management)
    {
        (_app, _folder, CallerKey) = (app, folder, callerKey);
        Client = new HttpClient { BaseAddress = address };
        Management = new HttpClient { BaseAddress = management };
    }

    public HttpClient Client { get; }

    public HttpClient Management { get; }

    /// <summary>The private key whose public half the host knows as its caller <c>gateway</c>.</summary>
    public ECDsa CallerKey { get; }

    public IServiceProvider Services => _app.Services;

    public static async Task<TestHost> StartAsync(
        Action<ServiceBuilder> compose, IReadOnlyDictionary<string, string>? settings = null, Action<IServiceCollection>? replace = null,
        IReadOnlyDictionary<string, ECDsa>? callerKeys = null)
    {
        var folder = new TemporaryFolder();
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await File.WriteAllTextAsync(folder.File("gateway.pem"), key.ExportSubjectPublicKeyInfoPem());
        foreach (var (file, more) in callerKeys ?? new Dictionary<string, ECDsa>())
            await File.WriteAllTextAsync(folder.File(file), more.ExportSubjectPublicKeyInfoPem());
        int[] ports = [FreePorts.Next(), FreePorts.Next()];
        var all = new Dictionary<string, string>(settings ?? new Dictionary<string, string>()) { ["IDENTITY_CALLERS_DIR"] = folder.FullPath };
        all.TryAdd("HTTP_URL", $"http://127.0.0.1:{ports[0]}");
        all.TryAdd("MANAGEMENT_URL", $"http://127.0.0.1:{ports[1]}");
        try
        {
            var app = await ServiceHost.StartAsync("billing", all, compose, replace, TestContext.Current.CancellationToken);
            return new TestHost(app, folder, key, new Uri(all["HTTP_URL"]), new Uri(all["MANAGEMENT_URL"]));
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    public IdentityIssuer Issuer(string name = "gateway", TimeProvider? time = null, ECDsa? key = null)
    {
        var signing = key ?? CallerKey;
        var keyId = Base64UrlEncoder.Encode(SHA256.HashData(signing.ExportSubjectPublicKeyInfo())[..12]);
        return new IdentityIssuer(name, new ECDsaSecurityKey(signing) { KeyId = keyId }, time ?? TimeProvider.System);
    }

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Management.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        CallerKey.Dispose();
        _folder.Dispose();
    }
}
