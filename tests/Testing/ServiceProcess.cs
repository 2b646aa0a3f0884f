using HomeStage.Tool.Deployments;
using HomeStage.Tool.Processes;
using Xunit;

namespace HomeStage.Testing;

/// <summary>
/// A service (or the simulators) as a process of its own, with exactly the settings that are given, to be killed, frozen and
/// stopped. It ends with the test run at the latest.
/// </summary>
public sealed class ServiceProcess : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private readonly TemporaryFolder _folder;

    private ServiceProcess(ChildProcess process, TemporaryFolder folder) => (_process, _folder) = (process, folder);

    /// <summary>The process id.</summary>
    public int Id => _process.Id;

    /// <summary>Completes with the exit code; 128 + signal if a signal ended the process.</summary>
    public Task<int> Exited => _process.Exited;

    /// <summary>All that the process has written so far.</summary>
    public string Output => File.ReadAllText(_process.Spec.LogFile);

    /// <summary>Starts a program of this clone.</summary>
    /// <param name="program"><c>gateway</c>, <c>billing</c>, <c>entitlements</c>, <c>staging-api</c>, <c>staging-worker</c> or <c>simulators</c>.</param>
    /// <param name="settings">Its environment; nothing of the test's own settings reaches it.</param>
    /// <param name="arguments">Its command line, e.g. <c>migrate</c>.</param>
    public static async Task<ServiceProcess> StartAsync(string program, IReadOnlyDictionary<string, string> settings, params string[] arguments)
    {
        var folder = new TemporaryFolder();
        var process = await ChildProcess.StartAsync(new(program, "dotnet", [Programs.AssemblyOf(program), .. arguments])
        {
            Environment = settings,
            LogFile = folder.File(program + ".log"),
        });
        return new(process, folder);
    }

    /// <summary>Runs a program to its end, e.g. with <c>migrate</c>.</summary>
    /// <returns>Exit code and all that it wrote.</returns>
    public static async Task<(int ExitCode, string Output)> RunAsync(
        string program, IReadOnlyDictionary<string, string> settings, params string[] arguments)
    {
        await using var process = await StartAsync(program, settings, arguments);
        var code = await process.Exited.WaitAsync(TestContext.Current.CancellationToken);
        return (code, process.Output);
    }

    /// <summary>Waits until the management listener says that the service is ready.</summary>
    /// <exception cref="InvalidOperationException">The process ended instead; the message has what it wrote.</exception>
    public async Task UntilReadyAsync(string managementUrl)
    {
        using var client = new HttpClient();
        await Eventually.Async(async () =>
        {
            if (Exited.IsCompleted)
                return true;
            using var answer = await client.GetAsync(new Uri(managementUrl.TrimEnd('/') + "/health/ready"), TestContext.Current.CancellationToken);
            return answer.IsSuccessStatusCode;
        }, $"{_process.Spec.Name} is ready");
        if (Exited.IsCompleted)
            throw new InvalidOperationException($"{_process.Spec.Name} ended with {await Exited} instead of becoming ready:\n{Output}");
    }

    /// <summary>SIGKILL: a crash.</summary>
    public Task KillAsync() => _process.KillAsync();

    /// <summary>SIGTERM, and waits for the end.</summary>
    public Task StopAsync() => _process.StopAsync();

    /// <summary>SIGTERM without waiting.</summary>
    public void Terminate() => _process.Send(Signal.Term);

    /// <summary>SIGSTOP: a hang with connections open.</summary>
    public void Freeze() => _process.Freeze();

    /// <summary>Ends a freeze.</summary>
    public void Thaw() => _process.Thaw();

    /// <summary>Kills what still runs and removes its log.</summary>
    public async ValueTask DisposeAsync()
    {
        await _process.KillAsync();
        _folder.Dispose();
    }
}
