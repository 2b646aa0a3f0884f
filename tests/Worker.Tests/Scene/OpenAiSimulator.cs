using System.Net.Http.Json;
using System.Text.Json;
using HomeStage.Tool.Servers;

namespace HomeStage.Worker.Tests.Scene;

/// <summary>The project's simulator of OpenAI as a process, for all tests of a class; each begins with <see cref="ForgetAsync"/>.</summary>
public sealed class OpenAiSimulator : IAsyncLifetime
{
    private readonly HttpClient _control = new() { BaseAddress = new Uri($"http://127.0.0.1:{FreePorts.Next()}") };
    private ServiceProcess? _process;

    internal static string Key => "sk-of-the-test-0123";

    /// <summary>The value of <c>OPENAI_BASE_URL</c>.</summary>
    internal string Url => new Uri(_control.BaseAddress!, "/v1").ToString();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var url = _control.BaseAddress!.GetLeftPart(UriPartial.Authority);
        _process = await ServiceProcess.StartAsync(
            "simulators", new Dictionary<string, string>(StringComparer.Ordinal), "openai", "--url", url, "--api-key", Key, "--latency", "10ms");
        await _process.UntilReadyAsync(url);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        _control.Dispose();
    }

    /// <summary>As if it had just been started.</summary>
    internal async Task ForgetAsync()
    {
        foreach (var what in (string[])["/control/faults", "/control/stats"])
            (await _control.DeleteAsync(new Uri(what, UriKind.Relative), Cancel)).Dispose();
    }

    internal async Task QueueAsync(string fault)
    {
        using var body = new StringContent(fault);
        using var answer = await _control.PostAsync(new Uri("/control/faults", UriKind.Relative), body, Cancel);
        answer.EnsureSuccessStatusCode();
    }

    internal Task<JsonElement> StatsAsync() => _control.GetFromJsonAsync<JsonElement>(new Uri("/control/stats", UriKind.Relative), Cancel);
}
