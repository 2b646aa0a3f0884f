using System.Diagnostics;
using HomeStage.Simulators.OpenAI;
using HomeStage.Simulators.Tests.Infrastructure;

namespace HomeStage.Simulators.Tests;

/// <summary>The program itself, as a process.</summary>
public sealed class CommandLineTests
{
    private static readonly string Program = typeof(OpenAiSimulator).Assembly.Location;

    [Fact]
    public async Task Help_names_both_peers()
    {
        var (code, output, _) = await Run("--help");

        code.ShouldBe(0);
        output.ShouldContain("openai");
        output.ShouldContain("stripe");
    }

    [Theory]
    [InlineData("--url", "openai", "--api-key", "k")]
    [InlineData("OPENAI_API_KEY", "openai", "--url", "http://127.0.0.1:1")]
    [InlineData("STRIPE_WEBHOOK_SECRET", "stripe", "--url", "http://127.0.0.1:1", "--secret-key", "sk_test_x")]
    [InlineData("soon", "openai", "--url", "http://127.0.0.1:1", "--api-key", "k", "--latency", "soon")]
    public async Task Missing_or_senseless_option_stops_it_and_is_named(string named, params string[] arguments)
    {
        var (code, _, errors) = await Run(arguments);

        code.ShouldBe(1);
        errors.ShouldContain(named);
    }

    [Fact]
    public async Task Settings_come_from_the_environment_and_a_signal_ends_it()
    {
        var url = Loopback.FreeUrl();
        using var process = Start(["openai"], ("SIMULATOR_URL", url.ToString()), ("OPENAI_API_KEY", "sk-test-1"));
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });

        await Eventually.Async(async () => await Ready(http, url), "readiness");
        using (var signal = Process.Start("kill", ["-TERM", process.Id.ToString()]))
            await signal.WaitForExitAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        process.ExitCode.ShouldBe(0);
    }

    private static async Task<bool> Ready(HttpClient http, Uri url)
    {
        try
        {
            return (await http.GetAsync(new Uri(url, "/health/ready"), TestContext.Current.CancellationToken)).IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static async Task<(int code, string output, string errors)> Run(params string[] arguments)
    {
        using var process = Start(arguments);
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, await errors);
    }

    private static Process Start(string[] arguments, params (string name, string value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet", [Program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var name in new[] { "OPENAI_API_KEY", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "SIMULATOR_URL" })
            start.Environment.Remove(name);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
