using System.Diagnostics;
using System.Xml.Linq;
using HomeStage.Tool.Bench;
using HomeStage.Tool.Demo;
using HomeStage.Tool.Test;
using HomeStage.Tool.Up;
using Shouldly;
using Xunit;

namespace HomeStage.Tool.Tests;

public sealed class CommandTests
{
    [Theory]
    [InlineData("up", "--workers")]
    [InlineData("up", "--replicas")]
    [InlineData("up", "--https")]
    [InlineData("up", "--fresh")]
    [InlineData("down", "--data")]
    [InlineData("demo", "--room")]
    [InlineData("test", "--filter")]
    [InlineData("chaos", "--filter")]
    [InlineData("support", "--json")]
    [InlineData("support", "reconcile")]
    [InlineData("bench", "webhook")]
    [InlineData("secrets", "init")]
    public async Task Help_of_each_command_names_its_options(string command, string option)
    {
        var (code, output) = await RunAsync(command, "--help");

        code.ShouldBe(0);
        output.ShouldContain(option);
    }

    [Theory]
    [InlineData("up", "--port", "0")]
    [InlineData("up", "--workers", "0")]
    [InlineData("up", "--replicas", "9")]
    [InlineData("sing")]
    public async Task An_order_that_makes_no_sense_is_refused(params string[] arguments)
    {
        (await RunAsync(arguments)).Code.ShouldBe(1);
    }

    [Fact]
    public async Task A_photo_that_is_not_there_is_refused_before_anything_starts()
    {
        var (code, output) = await RunAsync("demo", "/nowhere/room.jpg");

        code.ShouldBe(1);
        output.ShouldContain("There is no photo /nowhere/room.jpg.");
    }

    [Fact]
    public async Task Support_without_a_running_system_says_what_to_do()
    {
        var (code, output) = await RunAsync("support", "audit", "--data", "/nowhere");

        code.ShouldBe(1);
        output.ShouldContain("./homestage up");
    }

    [Theory]
    [InlineData("--email", "a@example.org", "--order", "01a201e6-2bd3-747c-ac8d-3ad6ba5b2187")]
    [InlineData]
    public async Task An_account_is_looked_for_by_one_thing(params string[] by)
    {
        var (code, output) = await RunAsync(["support", "account", .. by]);

        code.ShouldBe(1);
        output.ShouldContain("Give one of");
    }

    [Theory]
    [InlineData(0.5, 0.5, null, true)]
    [InlineData(0.49, 0.5, null, false)]
    [InlineData(200, null, 200.0, true)]
    [InlineData(201, null, 200.0, false)]
    [InlineData(7, null, null, true)]
    public void A_figure_passes_at_its_bar_and_not_beyond(double measured, double? least, double? most, bool passes) =>
        new Figure("something", measured, "", least, most).Passes.ShouldBe(passes);

    [Fact]
    public void What_keeps_dying_is_started_ever_more_slowly_until_it_recovers()
    {
        var pause = TimeSpan.FromSeconds(1);
        pause = Supervisor.NextPause(pause, ran: TimeSpan.FromSeconds(1));
        pause.ShouldBe(TimeSpan.FromSeconds(2));
        for (var i = 0; i < 10; i++)
            pause = Supervisor.NextPause(pause, ran: TimeSpan.FromSeconds(1));
        pause.ShouldBe(TimeSpan.FromSeconds(30));
        Supervisor.NextPause(pause, ran: TimeSpan.FromMinutes(2)).ShouldBe(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void The_bar_never_goes_back_and_is_full_at_the_end_alone()
    {
        string[] events = ["queued", "running", "progress", "progress", "queued", "running", "progress", "progress", "progress"];
        var shares = events.Aggregate(new List<double> { 0 }, (seen, name) => [.. seen, JobProgress.Share(name, seen[^1])]);

        shares.ShouldBeInOrder();
        shares[^1].ShouldBeLessThan(100);
        JobProgress.Share("failed", shares[^1]).ShouldBe(100);
    }

    [Fact]
    public void Results_of_all_suites_are_added_up_in_the_last_line()
    {
        var tally = new Tally();
        tally.Add(SuiteResult.FromXml("A", Results("passed='3' failed='1' skipped='2' errors='0'", "<test name='A.Fails' result='Fail' />"), exitCode: 1));
        tally.Add(SuiteResult.Check("format", passed: true));

        tally.LastLine.ShouldBe("4 passed, 1 failed, 2 skipped");
        tally.IsGreen.ShouldBeFalse();
    }

    [Fact]
    public void A_suite_that_crashed_counts_as_failed_even_if_its_tests_passed()
    {
        SuiteResult.FromXml("A", Results("passed='3' failed='0' skipped='0' errors='0'"), exitCode: 134).Failed.ShouldBe(1);
        SuiteResult.FromXml("A", "/nowhere.xml", exitCode: 134).Failed.ShouldBe(1);
    }

    [Fact]
    public void A_run_without_any_test_is_not_green()
    {
        new Tally().IsGreen.ShouldBeFalse();
    }

    private static XDocument Results(string counts, string tests = "") =>
        XDocument.Parse($"<assemblies><assembly {counts}><collection>{tests}</collection></assembly></assemblies>");

    internal static async Task<(int Code, string Output)> RunAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", [typeof(UpCommand).Assembly.Location, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output + await errors);
    }
}
