using HomeStage.Hosting.Configuration;

namespace HomeStage.Gateway.Limits;

/// <summary>A kind of requests that are limited together.</summary>
/// <param name="Name">As routes name it.</param>
/// <param name="Closed">Whether it may cost money or open an account: without Redis it is refused, never guessed.</param>
/// <param name="Policies">What holds for a caller and, again, for an address.</param>
internal sealed record LimitClass(string Name, bool Closed, IReadOnlyList<LimitPolicy> Policies)
{
    // What a /48 may take: a company or a provider's pool rather than one household.
    private const int HouseholdsInNetwork = 8;

    /// <summary>What holds for an IPv6 network of many households.</summary>
    public IReadOnlyList<LimitPolicy> NetworkPolicies { get; } = [.. Policies.Select(policy => policy.Times(HouseholdsInNetwork))];

    /// <summary>Whether each request is decided in Redis rather than out of a lease.</summary>
    public bool DecidesInRedis { get; } = Closed || Policies.Any(policy => policy.Lease(replicas: 1) == 1);
}

/// <summary>The classes by name.</summary>
internal sealed class LimitClasses
{
    internal const string Api = "api";
    internal const string Static = "static";
    internal const string SignIn = "sign-in";
    internal const string Restore = "restore";
    internal const string Keys = "keys";

    /// <summary>Counts photos rather than requests.</summary>
    internal const string Listing = "listing";

    private static readonly (string Name, string Setting, bool Closed, string Default)[] Table =
    [
        (Api, "LIMIT_API", false, "100/min burst 60, 1000/h burst 500"),
        ("media", "LIMIT_MEDIA", false, "1200/min burst 200"),
        ("upload", "LIMIT_UPLOAD", false, "60/min burst 40"),
        ("stream", "LIMIT_STREAM", false, "30/min burst 10"),
        ("staging", "LIMIT_STAGING", true, "6/min burst 6"),
        (Listing, "LIMIT_LISTING", true, "60/min burst 50"),
        ("checkout", "LIMIT_CHECKOUT", true, "10/min burst 5"),
        (Keys, "LIMIT_KEYS", true, "10/min burst 5"),
        (SignIn, "LIMIT_SIGN_IN", true, "10/min burst 10"),
        (Restore, "LIMIT_RESTORE", true, "10/min burst 5, 5/h burst 5"),
        (Static, "LIMIT_STATIC", false, "600/min burst 200"),
    ];

    /// <summary>Every class's name.</summary>
    internal static readonly IReadOnlyList<string> Names = [.. Table.Select(row => row.Name)];

    private readonly Dictionary<string, LimitClass> _byName;

    private LimitClasses(IEnumerable<LimitClass> classes) => _byName = classes.ToDictionary(limit => limit.Name, StringComparer.Ordinal);

    /// <exception cref="KeyNotFoundException">A route names a class that is not there.</exception>
    internal LimitClass this[string name] => _byName[name];

    internal static bool Exists(string name) => Names.Contains(name);

    internal static LimitClasses Read(Settings settings) => new(Table.Select(row =>
    {
        var policies = LimitPolicy.Parse(row.Name, settings.Optional(row.Setting) ?? row.Default);
        if (policies is null)
            settings.Refuse(row.Setting, "must be limits such as '100/min burst 50, 1000/h burst 500', with s, min or h, each unit once");
        if (row.Name == Listing && policies?.Any(policy => policy.Burst < ListingPhotos.Most) == true)
            settings.Refuse(row.Setting, $"must have bursts of {ListingPhotos.Most} at least, or a listing of {ListingPhotos.Most} photos could never be made");
        return new LimitClass(row.Name, row.Closed, policies ?? LimitPolicy.Parse(row.Name, row.Default)!);
    }));
}
