using System.Diagnostics;

namespace HomeStage.Tool.Processes;

/// <summary>A process that this one started, is answerable for and signals by its id alone.</summary>
internal sealed class ChildProcess
{
    private static readonly TimeSpan BetweenSignals = TimeSpan.FromMilliseconds(100);

    private readonly Process _process;
    private readonly ProcessLedger? _ledger;

    private ChildProcess(ProcessSpec spec, Process process, ProcessLedger? ledger)
    {
        Spec = spec;
        _process = process;
        _ledger = ledger;
        Id = process.Id;
        _ledger?.Add(Id, spec.Name);
        Exited = WaitForExitAsync();
    }

    public ProcessSpec Spec { get; }

    public int Id { get; }

    /// <summary>Completes with the exit code (128 + signal if a signal ended it).</summary>
    public Task<int> Exited { get; }

    public bool IsRunning => !Exited.IsCompleted;

    public static async Task<ChildProcess> StartAsync(ProcessSpec spec, ProcessLedger? ledger = null)
    {
        // Made by the tool, so that it is the tool's even where the process runs as another account.
        Directory.CreateDirectory(Path.GetDirectoryName(spec.LogFile)!);
        return new(spec, await Launcher.StartAsync(spec), ledger);
    }

    /// <summary>An orderly end; a process that does not end in its time is killed.</summary>
    public async Task StopAsync()
    {
        Send(Signal.Continue);
        Send(Spec.StopSignal);
        // Signals that are still pending are one.
        if (Spec.IsHurried && await Task.WhenAny(Exited, Task.Delay(BetweenSignals)) != Exited)
            Send(Spec.StopSignal);
        if (await Task.WhenAny(Exited, Task.Delay(Spec.StopTimeout)) != Exited)
            await KillAsync();
    }

    /// <summary>Ends the process and its descendants at once, as a crash would.</summary>
    public async Task KillAsync()
    {
        SendToTree(Signal.Kill);
        await Exited;
    }

    /// <summary>Stops the process and its descendants from running, with their sockets open: a hang.</summary>
    public void Freeze() => SendToTree(Signal.Stop);

    public void Thaw() => SendToTree(Signal.Continue);

    public void Send(Signal signal)
    {
        if (IsRunning)
            Signals.Send(Id, signal);
    }

    /// <summary>The end of the log: what a person wants to see when the process failed.</summary>
    public string LastLines(int count = 8) => !File.Exists(Spec.LogFile)
        ? ""
        : string.Join('\n', File.ReadLines(Spec.LogFile).Where(line => line.Trim().Length > 0).TakeLast(count));

    private void SendToTree(Signal signal)
    {
        if (!IsRunning)
            return;
        foreach (var id in ProcessTable.TreeOf(Id))
            Signals.Send(id, signal);
    }

    private async Task<int> WaitForExitAsync()
    {
        await _process.WaitForExitAsync();
        _ledger?.Remove(Id);
        var code = _process.ExitCode;
        _process.Dispose();
        return code;
    }
}
