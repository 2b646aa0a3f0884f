namespace HomeStage.Gateway.SignIn;

/// <summary>The configured providers.</summary>
internal sealed class Providers : IDisposable
{
    private readonly IReadOnlyList<Provider> _all;

    public Providers(IReadOnlyList<ProviderSettings> settings, TimeProvider time, ILogger<Provider> logger) =>
        _all = [.. settings.Select(one => new Provider(one, new HttpClient { Timeout = TimeSpan.FromSeconds(5), MaxResponseContentBufferSize = 1024 * 1024 }, time, logger))];

    internal IReadOnlyList<Provider> All => _all;

    internal Provider? Find(string? id) => _all.FirstOrDefault(provider => provider.Settings.Id == id);

    /// <summary>Whose access token it would be, by the issuer that it claims.</summary>
    internal Provider? ForBearer(string? issuer)
    {
        if (issuer is not { Length: > 0 })
            return null;
        var trusted = _all.Where(provider => provider.Settings.Audience is not null);
        return trusted.FirstOrDefault(provider => provider.IsIssuer(issuer)) ?? trusted.FirstOrDefault(provider => provider.MayHaveIssued(issuer));
    }

    public void Dispose()
    {
        foreach (var provider in _all)
            provider.Dispose();
    }
}
