using HomeStage.Hosting;
using HomeStage.Hosting.Configuration;
using Shouldly;
using Xunit;

namespace HomeStage.Entitlements.Tests;

public sealed class SettingsTests
{
    [Theory]
    [InlineData("FREE_STAGINGS", "0")]
    [InlineData("FREE_STAGINGS", "disabled")]
    [InlineData("FREE_STAGINGS", "-1")]
    [InlineData("FREE_DAILY_BUDGET", "0")]
    [InlineData("FREE_DAILY_BUDGET", "unlimited")]
    [InlineData("FREE_WINDOW_DAYS", "0")]
    public async Task Free_limits_cannot_be_switched_off_in_production(string name, string value)
    {
        var problems = await ProblemsAsync("Production", (name, value));

        problems.ShouldContain(problem => problem.StartsWith(name + " must be a whole number from 1"));
    }

    [Fact]
    public async Task A_developer_may_switch_limits_off() =>
        (await ProblemsAsync("Development", ("FREE_STAGINGS", "0"), ("FREE_DAILY_BUDGET", "0"))).ShouldNotContain(problem => problem.StartsWith("FREE_"));

    private static async Task<IReadOnlyList<string>> ProblemsAsync(string environment, params (string Name, string Value)[] settings)
    {
        var all = settings.ToDictionary(setting => setting.Name, setting => setting.Value, StringComparer.Ordinal);
        all["environment"] = environment;
        // Nothing else is set, so the start fails in any case.
        return (await Should.ThrowAsync<SettingsException>(() =>
            ServiceHost.StartAsync(EntitlementsService.Name, all, EntitlementsService.Compose))).Problems;
    }
}
