using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using HomeStage.Tool.Servers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HomeStage.Gateway.Tests.Scene;

/// <summary>An OpenID Connect provider whose keys the tests have, so that they can make whatever a real one never would.</summary>
public sealed class FakeProvider : IAsyncDisposable
{
    public const string ClientId = "homestage";
    public const string ClientSecret = "b7d20f5c9a1e4e63";
    public const string Audience = "urn:homestage:api";

    private readonly RSA _rsa = RSA.Create(2048);
    private readonly ECDsa _ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly WebApplication _app;
    private int _descriptions;

    private FakeProvider(int port)
    {
        Issuer = $"http://127.0.0.1:{port}";
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(Issuer);
        _app = builder.Build();
        _app.MapGet("/.well-known/openid-configuration", async (HttpContext context) =>
        {
            Interlocked.Increment(ref _descriptions);
            await Answering.WaitAsync(context.RequestAborted);
            return Results.Json(new Dictionary<string, object>
            {
                ["issuer"] = Issuer,
                ["authorization_endpoint"] = Issuer + "/authorize",
                ["token_endpoint"] = Issuer + "/token",
                ["jwks_uri"] = Issuer + "/jwks",
                ["end_session_endpoint"] = Issuer + "/end",
                ["authorization_response_iss_parameter_supported"] = true,
            });
        });
        _app.MapGet("/jwks", () => Results.Json(new { keys = Published() }));
        _app.MapPost("/token", async (HttpRequest request) =>
        {
            var form = await request.ReadFormAsync();
            var wanted = Codes.TryRemove(form["code"].ToString(), out var found) ? found : null;
            // RFC 7636: who redeems the code must know what the challenge was made of.
            var challenge = Base64UrlEncoder.Encode(SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"].ToString())));
            return wanted is null || wanted.Challenge != challenge || form["client_id"] != ClientId || form["client_secret"] != ClientSecret || form["redirect_uri"] != wanted.RedirectUri
                ? Results.Json(new { error = "invalid_grant" }, statusCode: 400)
                : Results.Json(new { access_token = "opaque", token_type = "Bearer", expires_in = 60, id_token = wanted.IdToken });
        });
    }

    public string Issuer { get; }

    /// <summary>How often the provider was asked to describe itself.</summary>
    public int Descriptions => _descriptions;

    /// <summary>What it waits for before it describes itself.</summary>
    public Task Answering { get; set; } = Task.CompletedTask;

    /// <summary>The id of the RSA key; another one is a rotation.</summary>
    public string KeyId { get; set; } = "rsa-1";

    /// <summary>The private keys, under their published ids.</summary>
    public SigningCredentials Rs256 => new(new RsaSecurityKey(_rsa) { KeyId = KeyId, CryptoProviderFactory = Uncached }, SecurityAlgorithms.RsaSha256);

    public SigningCredentials Es256 => new(new ECDsaSecurityKey(_ec) { KeyId = "ec-1", CryptoProviderFactory = Uncached }, SecurityAlgorithms.EcdsaSha256);

    /// <summary>What an attacker would try as the secret of an HMAC: the public key, in the form in which it is published most.</summary>
    public SigningCredentials PublicKeyAsSecret =>
        new(new SymmetricSecurityKey(Encoding.ASCII.GetBytes(_rsa.ExportSubjectPublicKeyInfoPem())) { KeyId = KeyId }, SecurityAlgorithms.HmacSha256);

    private static CryptoProviderFactory Uncached => new() { CacheSignatureProviders = false };

    private ConcurrentDictionary<string, Redemption> Codes { get; } = new(StringComparer.Ordinal);

    public static async Task<FakeProvider> StartAsync()
    {
        var provider = new FakeProvider(FreePorts.Next());
        await provider._app.StartAsync();
        return provider;
    }

    /// <summary>The gateway's settings for this provider.</summary>
    public void Configure(Dictionary<string, string> settings)
    {
        settings["SIGN_IN_PROVIDERS"] = "fake";
        settings["SIGN_IN_FAKE_ISSUER"] = Issuer;
        settings["SIGN_IN_FAKE_CLIENT_ID"] = ClientId;
        settings["SIGN_IN_FAKE_CLIENT_SECRET"] = ClientSecret;
        settings["SIGN_IN_FAKE_AUDIENCE"] = Audience;
    }

    /// <summary>A code that redeems to an id token, if whoever redeems it began the sign-in.</summary>
    public string CodeFor(string challenge, string redirectUri, string idToken)
    {
        var code = Guid.NewGuid().ToString("N");
        Codes[code] = new(challenge, redirectUri, idToken);
        return code;
    }

    /// <summary>A token with these claims; the signature is whoever's the credentials are.</summary>
    public static string Sign(Dictionary<string, object> claims, SigningCredentials credentials, string type = "JWT") =>
        new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(JsonSerializer.Serialize(claims), credentials, new Dictionary<string, object> { ["typ"] = type });

    /// <summary>A token that says that it needs no signature.</summary>
    public static string WithoutSignature(Dictionary<string, object> claims) =>
        Base64UrlEncoder.Encode("""{"alg":"none","typ":"JWT"}""") + "." + Base64UrlEncoder.Encode(JsonSerializer.Serialize(claims)) + ".";

    /// <summary>What an access token says, with changes; a null value removes a claim.</summary>
    public Dictionary<string, object> AccessClaims(DateTimeOffset now, params ReadOnlySpan<(string Name, object? Value)> changes) => Claims(
        new(StringComparer.Ordinal) { ["iss"] = Issuer, ["aud"] = Audience, ["sub"] = "alice", ["scope"] = "stagings:read credits:read", ["iat"] = now.ToUnixTimeSeconds(), ["exp"] = now.AddMinutes(10).ToUnixTimeSeconds() },
        changes);

    /// <summary>What an id token says, with changes; a null value removes a claim.</summary>
    public Dictionary<string, object> IdClaims(DateTimeOffset now, string nonce, params ReadOnlySpan<(string Name, object? Value)> changes) => Claims(
        new(StringComparer.Ordinal) { ["iss"] = Issuer, ["aud"] = ClientId, ["sub"] = "alice", ["nonce"] = nonce, ["iat"] = now.ToUnixTimeSeconds(), ["exp"] = now.AddMinutes(10).ToUnixTimeSeconds() },
        changes);

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        _rsa.Dispose();
        _ec.Dispose();
    }

    private static Dictionary<string, object> Claims(Dictionary<string, object> claims, ReadOnlySpan<(string Name, object? Value)> changes)
    {
        foreach (var (name, value) in changes)
        {
            if (value is null)
                claims.Remove(name);
            else
                claims[name] = value;
        }

        return claims;
    }

    private object[] Published()
    {
        var rsa = _rsa.ExportParameters(includePrivateParameters: false);
        var ec = _ec.ExportParameters(includePrivateParameters: false);
        return
        [
            new { kty = "RSA", use = "sig", alg = "RS256", kid = KeyId, n = Base64UrlEncoder.Encode(rsa.Modulus), e = Base64UrlEncoder.Encode(rsa.Exponent) },
            new { kty = "EC", use = "sig", alg = "ES256", kid = "ec-1", crv = "P-256", x = Base64UrlEncoder.Encode(ec.Q.X), y = Base64UrlEncoder.Encode(ec.Q.Y) },
        ];
    }

    private sealed record Redemption(string Challenge, string RedirectUri, string IdToken);
}
