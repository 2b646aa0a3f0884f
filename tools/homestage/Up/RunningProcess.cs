using HomeStage.Tool.Deployments;
using HomeStage.Tool.Processes;

namespace HomeStage.Tool.Up;

/// <summary>A process of the deployment while it runs: can be stopped, killed, frozen and started again under the same plan.</summary>
public sealed class RunningProcess
{
    private static readonly TimeSpan ReadyTimeout = TimeSpan.FromSeconds(90);
    private readonly string _logFolder;
    private readonly ProcessLedger _ledger;
    private ChildProcess? _process;

    internal RunningProcess(ProcessPlan plan, string logFolder, ProcessLedger ledger) => (Plan, _logFolder, _ledger) = (plan, logFolder, ledger);

    /// <summary>Its name in the deployment, e.g. <c>staging-worker-2</c>.</summary>
    public string Name => Plan.Name;

    /// <summary>The settings it runs with.</summary>
    public IReadOnlyDictionary<string, string> Settings => Plan.Settings;

    /// <summary>The id of the process that runs now, or ran last; 0 before the first start.</summary>
    public int Id => _process?.Id ?? 0;

    /// <summary>Whether the process is there (a frozen one is).</summary>
    public bool IsRunning => _process is { IsRunning: true };

    /// <summary>Completes with the exit code of the process that runs now.</summary>
    public Task<int> Exited => _process?.Exited ?? Task.FromResult(0);

    /// <summary>Its log of this and earlier runs.</summary>
    public string LogFile => Path.Combine(_logFolder, Name + ".log");

    internal ProcessPlan Plan { get; }

    /// <summary>Starts the process if it does not run, without waiting for it to be ready.</summary>
    public async Task StartAsync()
    {
        if (!IsRunning)
            _process = await ChildProcess.StartAsync(Plan.Spec(_logFolder), _ledger);
    }

    /// <summary>Waits until it says that it is ready.</summary>
    /// <exception cref="ToolException">It ended, or was not ready in time; the message has the end of its log.</exception>
    public async Task UntilReadyAsync(CancellationToken cancel = default)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var started = TimeProvider.System.GetTimestamp();
        while (!await IsReadyAsync(client, cancel))
        {
            if (!IsRunning)
                throw new ToolException($"{Name} ended while starting (exit code {await Exited}). Its log {LogFile} closes with:\n{_process?.LastLines()}");
            if (TimeProvider.System.GetElapsedTime(started) > ReadyTimeout)
                throw new ToolException($"{Name} was not ready within {ReadyTimeout.TotalSeconds:0} s. Its log {LogFile} closes with:\n{_process?.LastLines()}");
            await Task.Delay(100, cancel);
        }
    }

    /// <summary>Asks for an orderly end, without the drain delay, and waits for it; a process that does not end in its time is killed.</summary>
    public Task StopAsync() => _process?.StopAsync() ?? Task.CompletedTask;

    /// <summary>SIGKILL: a crash.</summary>
    public Task KillAsync() => _process?.KillAsync() ?? Task.CompletedTask;

    /// <summary>SIGTERM, as a platform sends it, without waiting.</summary>
    public void Terminate() => _process?.Send(Signal.Term);

    /// <summary>SIGSTOP: a hang with connections open.</summary>
    public void Freeze() => _process?.Freeze();

    /// <summary>Ends a freeze.</summary>
    public void Thaw() => _process?.Thaw();

    private async Task<bool> IsReadyAsync(HttpClient client, CancellationToken cancel)
    {
        try
        {
            using var answer = await client.GetAsync(Plan.Ready, cancel);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception notYet) when (notYet is HttpRequestException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            return false;
        }
    }
}
