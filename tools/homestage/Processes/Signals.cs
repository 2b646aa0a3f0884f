using System.Runtime.InteropServices;

namespace HomeStage.Tool.Processes;

internal enum Signal
{
    Int = 2,
    Kill = 9,
    Term = 15,
    Continue = 18,
    Stop = 19,
}

internal static partial class Signals
{
    /// <summary>Sends a signal to one process. A process that is gone already is no error: that is what the sender wanted or will notice.</summary>
    public static void Send(int processId, Signal signal)
    {
        if (processId <= 1)
            throw new ArgumentOutOfRangeException(nameof(processId), processId, "Only a single process of ours may be signalled.");
        _ = Kill(processId, (int)signal);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int processId, int signal);
}
