using System.Security.Cryptography;
using HomeStage.Tool.Deployments;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HomeStage.Tool.Bench;

/// <summary>Puts an internal identity token of one service for another on every request, so that a single service can be measured.</summary>
internal sealed class InternalToken : DelegatingHandler
{
    private static readonly TimeSpan Renewal = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(120);

    private readonly string _caller;
    private readonly string _audience;
    private readonly Guid _account;
    private readonly SigningCredentials _credentials;
    private readonly Lock _lock = new();
    private (string Text, DateTimeOffset Until) _token;

    /// <param name="data">Where the callers' keys are.</param>
    /// <param name="caller">Who signs.</param>
    /// <param name="audience">The service that is called.</param>
    /// <param name="account">The visitor on whose behalf the gateway calls; nobody if not given.</param>
    public InternalToken(DataFolder data, string caller, string audience, Guid account = default)
        : base(new SocketsHttpHandler())
    {
        (_caller, _audience, _account) = (caller, audience, account);
        // Lives as long as the command.
        var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(IdentityKeys.KeyFile(data.IdentityKeys, caller)));
        var keyId = Base64UrlEncoder.Encode(SHA256.HashData(key.ExportSubjectPublicKeyInfo())[..12]);
        _credentials = new(new ECDsaSecurityKey(key) { KeyId = keyId }, SecurityAlgorithms.EcdsaSha256);
    }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.Headers.Authorization = new("Bearer", Token());
        return base.SendAsync(request, cancellationToken);
    }

    private string Token()
    {
        lock (_lock)
        {
            var now = TimeProvider.System.GetUtcNow();
            if (now < _token.Until)
                return _token.Text;
            var text = new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
            {
                Issuer = _caller,
                Audience = _audience,
                IssuedAt = now.UtcDateTime,
                NotBefore = now.UtcDateTime,
                Expires = (now + Life).UtcDateTime,
                Claims = new Dictionary<string, object>(StringComparer.Ordinal) { ["sub"] = _account.ToString(), ["kind"] = (_caller == "gateway", _account == Guid.Empty) switch { (false, _) => "service", (true, true) => "anonymous", _ => "visitor" } },
                SigningCredentials = _credentials,
            });
            _token = (text, now + Renewal);
            return text;
        }
    }
}
