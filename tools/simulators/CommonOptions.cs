using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace HomeStage.Simulators;

/// <summary>Options of both commands; each can also be given in the environment.</summary>
internal static class CommonOptions
{
    public static Option<Uri?> Url() => Address("--url", "SIMULATOR_URL", "the address to listen on, e.g. http://127.0.0.1:4010", required: true);

    public static Option<Uri?> Address(string name, string variable, string description, bool required) => new(name)
    {
        Description = $"{description} [env {variable}]",
        CustomParser = result => ParseAddress(result, name, result.Tokens.Single().Value),
        DefaultValueFactory = result =>
        {
            if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value)
                return ParseAddress(result, variable, value);
            if (required)
                result.AddError($"Give {name}, or set {variable}.");
            return null;
        },
    };

    public static Option<string> Text(string name, string variable, string description) => new(name)
    {
        Description = $"{description} [env {variable}, or the file that {variable}_FILE names]",
        DefaultValueFactory = result =>
        {
            if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value)
                return value;
            if (Environment.GetEnvironmentVariable(variable + "_FILE") is { Length: > 0 } file && File.Exists(file))
                return File.ReadAllText(file).Trim();
            result.AddError($"Give {name}, or set {variable} or {variable}_FILE.");
            return "";
        },
    };

    public static Option<TimeSpan> Duration(string name, string variable, TimeSpan fallback, string description) => new(name)
    {
        Description = $"{description} [env {variable}]",
        CustomParser = result => ParseDuration(result, result.Tokens.Single().Value),
        DefaultValueFactory = result =>
            Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? ParseDuration(result, value) : fallback,
    };

    /// <summary>Runs until the command is told to stop, or the application stops itself.</summary>
    public static async Task<int> RunUntil(this WebApplication app, CancellationToken cancel)
    {
        await using (app)
        {
            try
            {
                await app.StartAsync(cancel);
            }
            catch (IOException taken)
            {
                await Console.Error.WriteLineAsync(taken.Message);
                return 1;
            }
            await app.WaitForShutdownAsync(cancel);
            return 0;
        }
    }

    private static Uri? ParseAddress(ArgumentResult result, string name, string text)
    {
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && (url.Scheme is "http" or "https"))
            return url;
        result.AddError($"{name} must be an address such as http://127.0.0.1:4010, not '{text}'.");
        return null;
    }

    private static TimeSpan ParseDuration(ArgumentResult result, string text)
    {
        (string unit, double milliseconds)[] units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];
        foreach (var (unit, milliseconds) in units)
        {
            if (text.EndsWith(unit, StringComparison.Ordinal)
                && double.TryParse(text[..^unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
                return TimeSpan.FromMilliseconds(number * milliseconds);
        }
        result.AddError($"'{text}' is no duration; write 200ms, 1.5s, 2m or 1h.");
        return TimeSpan.Zero;
    }
}
