using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace HomeStage.Hosting.Configuration;

/// <summary>
/// Reads a service's settings by their flat names (<c>STRIPE_WEBHOOK_SECRET</c>), each from its own variable or,
/// where <c>NAME_FILE</c> is set, from the file that it names. Problems are collected, so that a start that fails
/// names all of them at once; until <see cref="ThrowIfInvalid"/> the value returned for a faulty setting is a placeholder.
/// </summary>
public sealed class Settings(IConfiguration configuration, bool production)
{
    private static readonly string[] WellKnown = ["changeme", "change-me", "default", "example", "password", "secret", "your-"];

    private readonly Dictionary<string, string> _problems = new(StringComparer.Ordinal);

    /// <summary>Whether the service runs with <c>ASPNETCORE_ENVIRONMENT=Production</c>.</summary>
    public bool Production => production;

    /// <summary>The value, or null where neither the setting nor its <c>_FILE</c> is set.</summary>
    public string? Optional(string name)
    {
        if (configuration[name] is { Length: > 0 } value)
            return value;
        if (configuration[name + "_FILE"] is not { Length: > 0 } path)
            return null;
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Refuse(name + "_FILE", $"names a file that cannot be read ({error.GetType().Name})");
            return null;
        }
    }

    /// <summary>The value of a setting that has no default.</summary>
    public string Required(string name, string meaning)
    {
        if (Optional(name) is { Length: > 0 } value)
            return value;
        Refuse(name, $"is missing: set it, or {name}_FILE, to {meaning}");
        return "missing";
    }

    /// <summary>A secret: required, at least <paramref name="minimumLength"/> characters, and not one that is in every example.</summary>
    public string Secret(string name, string meaning, int minimumLength = 32)
    {
        var value = Required(name, meaning);
        if (_problems.ContainsKey(name))
            return value;
        if (value.Length < minimumLength)
            Refuse(name, $"is too short: {minimumLength} characters at least");
        else if (WellKnown.Any(known => value.Contains(known, StringComparison.OrdinalIgnoreCase)) || value.Distinct().Count() < 6)
            Refuse(name, "looks like an example: set a value of your own");
        return value;
    }

    /// <summary>A whole number within bounds.</summary>
    public int WholeNumber(string name, int fallback, int minimum, int maximum, string meaning)
    {
        if (Optional(name) is not { } text)
            return fallback;
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= minimum && value <= maximum)
            return value;
        Refuse(name, $"must be a whole number from {minimum} to {maximum}: {meaning}");
        return fallback;
    }

    /// <summary>A time in whole seconds within bounds.</summary>
    public TimeSpan Seconds(string name, int fallback, int minimum, int maximum, string meaning) =>
        TimeSpan.FromSeconds(WholeNumber(name, fallback, minimum, maximum, meaning + " (seconds)"));

    /// <summary>An absolute http or https address; required if there is no fallback.</summary>
    public Uri Url(string name, string meaning, string? fallback = null)
    {
        var text = fallback is null ? Required(name, meaning) : Optional(name) ?? fallback;
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
            return url;
        Refuse(name, $"must be an absolute http or https address: {meaning}");
        return new Uri("http://missing.invalid");
    }

    /// <summary>Absolute http or https addresses, separated by commas: one for each replica, or one name that stands for all. One at least.</summary>
    public IReadOnlyList<Uri> Urls(string name, string meaning)
    {
        var urls = new List<Uri>();
        foreach (var text in Required(name, meaning).Split(',', StringSplitOptions.TrimEntries))
        {
            if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.PathAndQuery == "/")
                urls.Add(url);
            else
                Refuse(name, $"must be http or https addresses without a path, separated by commas: {meaning}");
        }

        if (urls.Distinct().Count() < urls.Count)
            Refuse(name, $"names an address twice: {meaning}");
        return urls.Count > 0 ? urls : [new Uri("http://missing.invalid")];
    }

    /// <summary>An existing folder.</summary>
    public string Folder(string name, string meaning)
    {
        var path = Required(name, meaning);
        if (!_problems.ContainsKey(name) && !Directory.Exists(path))
            Refuse(name, $"names a folder that is not there: {meaning}");
        return path;
    }

    /// <summary>Records that a setting makes no sense; the first reason given for a name is kept.</summary>
    public void Refuse(string name, string problem) => _problems.TryAdd(name, problem);

    /// <summary>Stops the start if any setting read so far is faulty.</summary>
    /// <exception cref="SettingsException">Names every faulty setting.</exception>
    public void ThrowIfInvalid()
    {
        if (_problems.Count > 0)
            throw new SettingsException([.. _problems.Select(problem => $"{problem.Key} {problem.Value}.")]);
    }

    /// <summary>Forgets what was found so far; for modes that need only some of the settings.</summary>
    internal void Forget() => _problems.Clear();
}

/// <summary>Settings that make no sense; one line for each.</summary>
public sealed class SettingsException(IReadOnlyList<string> problems) : Exception(string.Join(Environment.NewLine, problems))
{
    /// <summary>One sentence for each faulty setting, beginning with its name.</summary>
    public IReadOnlyList<string> Problems => problems;
}
