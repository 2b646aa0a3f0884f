using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace HomeStage.Gateway.SignIn;

/// <summary>The provider does not answer, or answers nonsense.</summary>
internal sealed class ProviderUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// A provider as it describes itself: fetched when it is first needed, so that one that is away stops no start; again after 12 hours; and for
/// a key that is not among the known ones, but no more than each five minutes, whatever is sent to us.
/// </summary>
internal sealed partial class Provider(ProviderSettings settings, HttpClient http, TimeProvider time, ILogger<Provider> logger) : IDisposable
{
    internal static readonly TimeSpan KeysRefreshedAtMostEvery = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan KeptFor = TimeSpan.FromHours(12);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _one = new(1, 1);
    private volatile Fetched? _current;
    private DateTimeOffset _triedAt = DateTimeOffset.MinValue;

    internal ProviderSettings Settings => settings;

    /// <summary>What the provider says of itself.</summary>
    /// <exception cref="ProviderUnavailableException">It does not answer and never has.</exception>
    internal async Task<OpenIdConnectConfiguration> DescriptionAsync(CancellationToken cancellationToken) =>
        (await GetAsync(KeptFor, cancellationToken)).Description;

    /// <summary>The checks that its tokens have to pass; if it has no key of that id, after asking it once more.</summary>
    /// <exception cref="ProviderUnavailableException">It does not answer and never has.</exception>
    internal async Task<TokenChecks> ChecksAsync(string? keyId, CancellationToken cancellationToken)
    {
        var fetched = await GetAsync(KeptFor, cancellationToken);
        if (keyId is { Length: > 0 } && fetched.Description.SigningKeys.All(key => key.KeyId != keyId))
            fetched = await GetAsync(KeysRefreshedAtMostEvery, cancellationToken);
        return new(fetched.Description, time);
    }

    /// <summary>Whether the issuer is the configured one, word by word.</summary>
    internal bool IsIssuer(string issuer) => issuer.TrimEnd('/') == settings.Issuer.AbsoluteUri.TrimEnd('/');

    /// <summary>Whether tokens of that issuer may be this provider's, as one tenant's of many.</summary>
    internal bool MayHaveIssued(string issuer) =>
        Uri.TryCreate(issuer, UriKind.Absolute, out var url) && url.Authority == settings.Issuer.Authority && url.Scheme == settings.Issuer.Scheme
        && (_current?.Description is not { } description || Issuers.Match(description.Issuer, issuer));

    public void Dispose()
    {
        _one.Dispose();
        http.Dispose();
    }

    private async Task<Fetched> GetAsync(TimeSpan notOlderThan, CancellationToken cancellationToken)
    {
        if (_current is { } current && time.GetUtcNow() - current.At < notOlderThan)
            return current;
        await _one.WaitAsync(cancellationToken);
        try
        {
            var now = time.GetUtcNow();
            if (_current is { } meanwhile && now - meanwhile.At < notOlderThan)
                return meanwhile;
            if (now - _triedAt < (_current is null ? RetryAfter : KeysRefreshedAtMostEvery))
                return _current ?? throw new ProviderUnavailableException($"The provider {settings.Id} did not answer a moment ago.");
            _triedAt = now;
            // Not cut off by whoever asked: then those who leave could keep it from everybody else.
            _current = new(await FetchAsync(), now);
            return _current;
        }
        catch (Exception error) when (error is not ProviderUnavailableException)
        {
            Log.Unavailable(logger, error, settings.Id);
            return _current ?? throw new ProviderUnavailableException($"The provider {settings.Id} does not answer.", error);
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task<OpenIdConnectConfiguration> FetchAsync()
    {
        var address = settings.Issuer.AbsoluteUri.TrimEnd('/') + "/.well-known/openid-configuration";
        var documents = new HttpDocumentRetriever(http) { RequireHttps = settings.Issuer.Scheme == Uri.UriSchemeHttps };
        var description = await OpenIdConnectConfigurationRetriever.GetAsync(address, documents, CancellationToken.None);
        // OpenID Connect Discovery 4.3: it must speak of itself. Entra's shared addresses speak of every tenant, on the same host.
        var isOwn = description.Issuer?.TrimEnd('/') == settings.Issuer.AbsoluteUri.TrimEnd('/')
            || (Issuers.IsTemplate(description.Issuer) && description.Issuer!.StartsWith(settings.Issuer.GetLeftPart(UriPartial.Authority) + "/", StringComparison.Ordinal));
        return isOwn && description.AuthorizationEndpoint is not null && description.TokenEndpoint is not null && description.SigningKeys.Count > 0
            ? description
            : throw new InvalidOperationException("Its description is of another issuer, or not complete.");
    }

    private sealed record Fetched(OpenIdConnectConfiguration Description, DateTimeOffset At);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The description of provider {Provider} could not be fetched", EventName = "provider_unavailable")]
        public static partial void Unavailable(ILogger logger, Exception exception, string provider);
    }
}

/// <summary>Issuers as providers write them.</summary>
internal static class Issuers
{
    private const string Tenant = "{tenantid}";

    /// <summary>Whether it stands for one issuer a tenant, as Entra's shared addresses say.</summary>
    internal static bool IsTemplate(string? issuer) => issuer?.Contains(Tenant, StringComparison.Ordinal) is true;

    /// <summary>Whether an issuer is the one described: the same text, or the template with the id of a tenant in it.</summary>
    internal static bool Match(string described, string issuer)
    {
        if (!IsTemplate(described))
            return described == issuer;
        var parts = described.Split(Tenant);
        return parts.Length == 2 && issuer.Length > parts[0].Length + parts[1].Length
            && issuer.StartsWith(parts[0], StringComparison.Ordinal) && issuer.EndsWith(parts[1], StringComparison.Ordinal)
            && Guid.TryParseExact(issuer[parts[0].Length..^parts[1].Length], "D", out _);
    }

    /// <summary>Whether a token's issuer is the one described, and of the tenant that the token itself names.</summary>
    internal static bool Match(string described, JsonWebToken token) =>
        Match(described, token.Issuer)
        && (!IsTemplate(described) || (token.TryGetPayloadValue<string>("tid", out var tenant) && described.Replace(Tenant, tenant, StringComparison.Ordinal) == token.Issuer));
}

/// <summary>What every token of a provider has to pass.</summary>
internal sealed class TokenChecks(OpenIdConnectConfiguration description, TimeProvider time)
{
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(30);
    private static readonly JsonWebTokenHandler Handler = new();

    /// <summary>The token if signature, issuer, audience and lifetime are right; else null.</summary>
    internal async Task<JsonWebToken?> ValidateAsync(string token, string audience)
    {
        var result = await Handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            // Named, so that neither "none" nor an HMAC with a public key as its secret is ever tried.
            ValidAlgorithms = [SecurityAlgorithms.RsaSha256, SecurityAlgorithms.EcdsaSha256],
            IssuerSigningKeys = description.SigningKeys,
            // The key that the token names, or none: so a key that the provider took back opens nothing.
            TryAllIssuerSigningKeys = false,
            RequireSignedTokens = true,
            IssuerValidator = (issuer, parsed, _) => Issuers.Match(description.Issuer, (JsonWebToken)parsed) ? issuer : throw new SecurityTokenInvalidIssuerException(),
            ValidAudience = audience,
            RequireAudience = true,
            RequireExpirationTime = true,
            LifetimeValidator = (notBefore, expires, _, _) => IsAlive(notBefore, expires),
        });
        return result.IsValid ? (JsonWebToken)result.SecurityToken : null;
    }

    private bool IsAlive(DateTime? notBefore, DateTime? expires)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return expires is { } end && end + Skew > now && (notBefore is not { } begin || begin - Skew <= now);
    }
}
