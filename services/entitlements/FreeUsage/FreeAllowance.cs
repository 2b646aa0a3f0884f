using HomeStage.Hosting;

namespace HomeStage.Entitlements.FreeUsage;

/// <summary>What is free: for each household in a rolling window, and for the whole installation on one day (UTC).</summary>
/// <param name="Stagings">Pictures for one address hash in the window.</param>
/// <param name="WindowDays">The window's length.</param>
/// <param name="DailyBudget">Pictures for everybody together on one day.</param>
internal sealed record FreeAllowance(int Stagings, int WindowDays, int DailyBudget)
{
    internal TimeSpan Window => TimeSpan.FromDays(WindowDays);
}

internal static class FreeUsageExtensions
{
    // What a limit that is switched off stands for; only outside Production.
    private const int Unlimited = 1_000_000;

    /// <summary>Reads <c>FREE_STAGINGS</c>, <c>FREE_WINDOW_DAYS</c> and <c>FREE_DAILY_BUDGET</c>; 0 switches a limit off, which Production refuses.</summary>
    internal static void AddFreeUsage(this ServiceBuilder service) => service.Services.AddSingleton(new FreeAllowance(
        Limit(service, "FREE_STAGINGS", 3, "free pictures for one household in the window"),
        service.Settings.WholeNumber("FREE_WINDOW_DAYS", 30, 1, 366, "the length of the window for free pictures, in days"),
        Limit(service, "FREE_DAILY_BUDGET", 200, "free pictures a day over the whole installation")));

    private static int Limit(ServiceBuilder service, string name, int fallback, string meaning)
    {
        var lowest = service.Settings.Production ? 1 : 0;
        var limit = service.Settings.WholeNumber(name, fallback, lowest, Unlimited, meaning);
        return limit == 0 ? Unlimited : limit;
    }
}
