using System.Globalization;
using System.Text.RegularExpressions;
using HomeStage.Hosting.Configuration;
using HomeStage.Worker.Provider;

namespace HomeStage.Worker.Layout;

/// <summary>How the layout pass is made; there is none unless <c>LAYOUT_MODEL</c> names a model.</summary>
internal sealed partial record LayoutSettings
{
    // What the instructions and a picture of LayoutQuestion.PhotoSide come to at the models that count pictures dearest.
    private const int MostTokensRead = 30_000;

    private static readonly string[] Efforts = ["none", "minimal", "low", "medium", "high"];

    /// <summary>A model that takes pictures and answers by a JSON schema.</summary>
    public required string Model { get; init; }

    /// <summary>Value of <c>reasoning_effort</c>; null where the parameter must be left out.</summary>
    public string? Effort { get; init; }

    /// <summary>How long one question may take, and so how much later a picture may be for it.</summary>
    public required TimeSpan Timeout { get; init; }

    public required TokenPrices Prices { get; init; }

    /// <summary>What all workers together may spend on it in a day (UTC), in millionths of a US dollar.</summary>
    public required long DailyBudget { get; init; }

    /// <summary>What one question can cost, in millionths of a US dollar.</summary>
    public long DearestQuestion => Prices.Of(MostTokensRead, LayoutQuestion.MostTokens)!.Value;

    /// <summary>Null where there is to be no pass.</summary>
    internal static LayoutSettings? Read(Settings settings)
    {
        if (settings.Optional("LAYOUT_MODEL") is not { } model)
            return null;
        if (!ModelName().IsMatch(model))
            settings.Refuse("LAYOUT_MODEL", "must be the name of a model: letters, digits, '-', '.', ':' and '_'");
        var effort = settings.Optional("LAYOUT_EFFORT");
        if (effort is not null && !Efforts.Contains(effort))
            settings.Refuse("LAYOUT_EFFORT", $"must be one of {string.Join(", ", Efforts)}, or left out for models that do not reason");
        var layout = new LayoutSettings
        {
            Model = model,
            Effort = effort,
            // Together with the picture's own call within what staging-api grants a lease past its deadline.
            Timeout = settings.Seconds("LAYOUT_TIMEOUT_SECONDS", 15, 1, 20, "how long a picture may wait for its layout"),
            Prices = new TokenPrices(Price("LAYOUT_INPUT_PRICE"), Price("LAYOUT_OUTPUT_PRICE")),
            DailyBudget = (long)(Dollars("LAYOUT_DAILY_BUDGET", 5, 100_000, "US dollars a day for the layouts of all workers together, such as 5") * 1_000_000),
        };
        if (layout.DailyBudget < layout.DearestQuestion)
            settings.Refuse("LAYOUT_DAILY_BUDGET", FormattableString.Invariant($"must be {layout.DearestQuestion / 1e6:0.######} at least, which is what one question can cost at these prices"));
        return layout;

        // Without prices nothing could keep to the budget.
        decimal Price(string name)
        {
            settings.Required(name, "US dollars for a million tokens of LAYOUT_MODEL");
            return Dollars(name, 0, 10_000, "US dollars for a million tokens, such as 0.40");
        }

        decimal Dollars(string name, decimal fallback, decimal largest, string meaning)
        {
            if (settings.Optional(name) is not { } text)
                return fallback;
            if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var dollars) && dollars > 0 && dollars <= largest)
                return dollars;
            settings.Refuse(name, $"must be {meaning}");
            return fallback;
        }
    }

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$", RegexOptions.None, 1000)]
    private static partial Regex ModelName();
}
