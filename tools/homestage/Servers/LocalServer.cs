using HomeStage.Tool.Processes;

namespace HomeStage.Tool.Servers;

/// <summary>One private server on loopback: starts, stops, and fails on request in the ways that tests need.</summary>
public abstract class LocalServer
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(90);
    private ChildProcess? _process;

    private protected LocalServer(LocalServersOptions options) => Options = options;

    /// <summary>The server's name as people write it.</summary>
    public abstract string Name { get; }

    /// <summary>Whether its process is there (a frozen one is).</summary>
    public bool IsRunning => _process is { IsRunning: true };

    /// <summary>Completes when the server's process ends, for whatever reason.</summary>
    internal Task Exited => _process?.Exited ?? Task.CompletedTask;

    private protected LocalServersOptions Options { get; }

    /// <summary>Stops every process of the server with its connections open (SIGSTOP): callers see a hang, not a refusal.</summary>
    public void Freeze() => _process?.Freeze();

    /// <summary>Ends a freeze.</summary>
    public void Thaw() => _process?.Thaw();

    /// <summary>Kills every process of the server at once (SIGKILL): a crash.</summary>
    public virtual async Task KillAsync()
    {
        if (_process is not null)
            await _process.KillAsync();
    }

    /// <summary>Starts a server that was stopped or killed, on its old data and ports, and waits until it answers.</summary>
    /// <exception cref="ToolException">It ended or did not answer in time; the message has the end of its log.</exception>
    public Task StartAgainAsync(CancellationToken cancel = default) => IsRunning ? Task.CompletedTask : LaunchAsync(cancel);

    /// <summary>Stops the server in its own orderly way.</summary>
    public virtual async Task StopAsync()
    {
        if (_process is not null)
            await _process.StopAsync();
    }

    internal async Task StartAsync(CancellationToken cancel)
    {
        await PrepareAsync(cancel);
        await LaunchAsync(cancel);
    }

    /// <summary>Makes the server's folder and files if they are not there.</summary>
    private protected abstract Task PrepareAsync(CancellationToken cancel);

    private protected virtual Task BeforeLaunchAsync() => Task.CompletedTask;

    /// <summary>What is left to do once the server answers.</summary>
    private protected virtual Task AfterLaunchAsync(CancellationToken cancel) => Task.CompletedTask;

    /// <summary>Whether a server that ended while starting did so for a reason that is over in a moment.</summary>
    private protected virtual bool EndedInPassing(string lastLines) => false;

    private protected abstract ProcessSpec Spec();

    private protected abstract Task<bool> AnswersAsync(CancellationToken cancel);

    private async Task LaunchAsync(CancellationToken cancel)
    {
        await BeforeLaunchAsync();
        _process = await ChildProcess.StartAsync(Spec(), Options.Ledger);
        var started = TimeProvider.System.GetTimestamp();
        while (!await TriedAsync(cancel))
        {
            var isLate = TimeProvider.System.GetElapsedTime(started) > StartTimeout;
            if (!_process.IsRunning && !isLate && EndedInPassing(_process.LastLines()))
                _process = await ChildProcess.StartAsync(Spec(), Options.Ledger);
            else if (!_process.IsRunning)
                throw new ToolException($"{Name} ended while starting. Its log {_process.Spec.LogFile} closes with:\n{_process.LastLines()}");
            else if (isLate)
                throw new ToolException($"{Name} did not answer within {StartTimeout.TotalSeconds:0} s. Its log {_process.Spec.LogFile} closes with:\n{_process.LastLines()}");
            await Task.Delay(100, cancel);
        }
        await AfterLaunchAsync(cancel);
    }

    private async Task<bool> TriedAsync(CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(TimeSpan.FromSeconds(3));
        try
        {
            return await AnswersAsync(patience.Token);
        }
        catch (Exception) when (!cancel.IsCancellationRequested)
        {
            return false;
        }
    }
}
