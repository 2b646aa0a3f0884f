using System.Globalization;
using System.Text.RegularExpressions;

namespace HomeStage.Gateway.Limits;

/// <summary>One limit: so many requests in a window, of which so many may come at once. Written as <c>100/min burst 50</c>.</summary>
/// <param name="Name">Its name in headers and in Redis, unique among all policies, e.g. <c>api-min</c>.</param>
/// <param name="Limit">Requests in the window.</param>
/// <param name="Window">The window.</param>
/// <param name="Burst">Requests that may come at once after a pause.</param>
internal sealed partial record LimitPolicy(string Name, int Limit, TimeSpan Window, int Burst)
{
    // Larger ones may be handed out in leases without a caller noticing; smaller ones are decided one by one. A lease is a tenth of what a replica
    // may have in the window, up to 20, or a hundredth where that is more: so many a caller would hardly miss.
    private const int SmallestLeased = 60;
    private const int UsualLease = 20;

    /// <summary>Microseconds that one request takes of the limit, rounded to the stricter side.</summary>
    public long Interval { get; } = (long)Math.Ceiling(Window.TotalMicroseconds / Limit);

    /// <summary>As the field <c>RateLimit-Policy</c> has it: the quota and its window in seconds.</summary>
    public string Description { get; } = string.Create(CultureInfo.InvariantCulture, $"\"{Name}\";q={Limit};w={Window.TotalSeconds:0}");

    /// <summary>How many requests a replica takes from Redis at a time; 1 if each is decided there.</summary>
    public int Lease(int replicas) =>
        Limit <= SmallestLeased ? 1 : Math.Max(Math.Clamp(Limit / (10 * replicas), 1, UsualLease), Limit / (100 * replicas));

    /// <summary>The same limit for a crowd of so many households.</summary>
    public LimitPolicy Times(int factor) => new(Name, Limit * factor, Window, Burst * factor);

    /// <summary>Reads policies separated by commas; null if the text is not of the form.</summary>
    /// <param name="group">Begins their names.</param>
    /// <param name="text">E.g. <c>100/min burst 50, 1000/h burst 500</c>.</param>
    public static IReadOnlyList<LimitPolicy>? Parse(string group, string text)
    {
        var policies = new List<LimitPolicy>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var match = Form.Match(part);
            if (!match.Success || !TryNumber(match.Groups["limit"], out var limit) || !TryNumber(match.Groups["burst"], out var burst))
                return null;
            var unit = match.Groups["unit"].Value;
            var window = unit switch { "s" => TimeSpan.FromSeconds(1), "min" => TimeSpan.FromMinutes(1), _ => TimeSpan.FromHours(1) };
            policies.Add(new LimitPolicy($"{group}-{unit}", limit, window, burst));
        }

        return policies.DistinctBy(policy => policy.Name).Count() == policies.Count ? policies : null;
    }

    private static bool TryNumber(Group group, out int number) =>
        int.TryParse(group.Value, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number is >= 1 and <= 10_000_000;

    [GeneratedRegex("^(?<limit>[0-9]{1,8})/(?<unit>s|min|h) burst (?<burst>[0-9]{1,8})$", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Form { get; }
}
