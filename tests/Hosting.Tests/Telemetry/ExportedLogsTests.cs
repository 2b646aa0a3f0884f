using HomeStage.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace HomeStage.Hosting.Tests.Telemetry;

/// <summary>What a collector gets to read of a failure.</summary>
public sealed class ExportedLogsTests
{
    private const string Quoted = "quoted_by_a_driver";

    [Theory]
    [InlineData("Production", false)]
    [InlineData("Development", true)]
    public async Task Messages_of_exceptions_stay_here_in_Production_and_their_types_and_stacks_go_out(string environment, bool isQuoted)
    {
        using var collector = OtlpCollector.Start();
        var settings = new Dictionary<string, string>(collector.Settings, StringComparer.Ordinal) { ["ENVIRONMENT"] = environment };
        await using (var host = await TestHost.StartAsync(static _ => { }, settings))
        {
            try
            {
                throw new FormatException($"outer {Quoted}", new TimeoutException($"inner {Quoted}"));
            }
            catch (FormatException error)
            {
                host.Services.GetRequiredService<ILogger<ExportedLogsTests>>().LogError(error, "It failed");
            }
        }

        await Eventually.Async(() => collector.Logs.Any(text => text.Contains("It failed", StringComparison.Ordinal)), "the line was exported");
        var line = collector.Logs.Single(text => text.Contains("It failed", StringComparison.Ordinal));
        line.ShouldContain("System.FormatException");
        line.ShouldContain("System.TimeoutException");
        line.ShouldContain(nameof(Messages_of_exceptions_stay_here_in_Production_and_their_types_and_stacks_go_out));
        line.Contains(Quoted, StringComparison.Ordinal).ShouldBe(isQuoted);
    }
}
