using System.Globalization;
using HomeStage.Catalog;
using HomeStage.Hosting.Configuration;
using HomeStage.Worker.Layout;
using HomeStage.Worker.Provider;

namespace HomeStage.Worker;

/// <summary>What the worker is told by its environment.</summary>
internal sealed record WorkerSettings
{
    /// <summary>How many attempts, and so provider calls, run at once in this process.</summary>
    public required int Concurrency { get; init; }

    /// <summary>Its replicas, or one address that stands for them.</summary>
    public required IReadOnlyList<Uri> StagingApi { get; init; }

    public required Uri ProviderUrl { get; init; }

    public required string ProviderKey { get; init; }

    public required ImageModel Model { get; init; }

    /// <summary>For our own cost figures; null where no prices are configured.</summary>
    public required TokenPrices? Prices { get; init; }

    /// <summary>From connecting to the last byte of the answer.</summary>
    public required TimeSpan ProviderTimeout { get; init; }

    /// <summary>How photos are looked at before they are staged; null where they are not.</summary>
    public required LayoutSettings? Layout { get; init; }

    internal static WorkerSettings Read(Settings settings) => new()
    {
        Concurrency = settings.WholeNumber("WORKER_CONCURRENCY", 2, 1, 64, "provider calls at once in this process"),
        StagingApi = settings.Urls("STAGING_API_URL", "the addresses of staging-api, e.g. http://127.0.0.1:5003"),
        ProviderUrl = settings.Url("OPENAI_BASE_URL", "the address of OpenAI's API", "https://api.openai.com/v1"),
        ProviderKey = settings.Secret("OPENAI_API_KEY", "the key of the image provider", minimumLength: 8),
        Model = ImageModels.Configured(settings),
        Prices = PricesOf(settings),
        ProviderTimeout = settings.Seconds("PROVIDER_TIMEOUT_SECONDS", 300, 1, 300, "how long one provider call may take; staging-api waits no longer for a lease past its deadline"),
        Layout = LayoutSettings.Read(settings),
    };

    private static TokenPrices? PricesOf(Settings settings)
    {
        var (input, output) = (Price("OPENAI_INPUT_PRICE"), Price("OPENAI_OUTPUT_PRICE"));
        if (input is null != output is null)
            settings.Refuse(input is null ? "OPENAI_INPUT_PRICE" : "OPENAI_OUTPUT_PRICE", "is missing: set both prices or neither");
        return input is { } forInput && output is { } forOutput ? new TokenPrices(forInput, forOutput) : null;

        decimal? Price(string name)
        {
            if (settings.Optional(name) is not { } text)
                return null;
            if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var price) && price <= 10_000)
                return price;
            settings.Refuse(name, "must be US dollars for a million tokens, such as 2.50");
            return 0;
        }
    }
}
