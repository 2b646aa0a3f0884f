using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace HomeStage.Tool.Processes;

/// <summary>
/// Starts processes so that they hear of the tool's death (PR_SET_PDEATHSIG), have a session of their own (Ctrl-C reaches the
/// tool alone, which then stops them in order) and write to their log without a pump. The kernel's notion of a parent is the
/// thread that forked, so one thread that never ends starts them all.
/// </summary>
internal static class Launcher
{
    private static readonly BlockingCollection<(ProcessStartInfo Start, TaskCompletionSource<Process> Started)> Queue = StartThread();

    /// <summary>
    /// Settings of .NET for processes that live for seconds, such as a test's: compiling anew what was called often costs them more than it
    /// gives. Handed on where they are set. The number is hexadecimal.
    /// </summary>
    public static readonly IReadOnlyDictionary<string, string> ShortLives = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["DOTNET_TieredPGO"] = "0",
        ["DOTNET_TC_CallCountThreshold"] = "400",
    };

    public static Task<Process> StartAsync(ProcessSpec spec)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Queue.Add((StartInfo(spec), started));
        return started.Task;
    }

    private static ProcessStartInfo StartInfo(ProcessSpec spec)
    {
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false, WorkingDirectory = spec.WorkingDirectory ?? "/" };
        string[] wrapper = ["-c", "exec >>\"$0\" 2>&1 </dev/null; exec \"$@\"", spec.LogFile, "setsid", "setpriv", "--pdeathsig", SignalName(spec.ParentDeathSignal)];
        string[] account = spec.RunAs is null ? [] : ["--reuid", spec.RunAs, "--regid", spec.RunAs, "--init-groups"];
        // A tool that died before its death could be heard of is no longer the parent.
        string[] guard = ["/bin/sh", "-c", "[ \"$PPID\" = \"$0\" ] && exec \"$@\"", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)];
        foreach (var argument in (IEnumerable<string>)[.. wrapper, .. account, "--", .. guard, spec.FileName, .. spec.Arguments])
            start.ArgumentList.Add(argument);

        start.Environment.Clear();
        foreach (var (name, value) in InheritedEnvironment().Concat(spec.Environment))
            start.Environment[name] = value;
        return start;
    }

    private static IEnumerable<KeyValuePair<string, string>> InheritedEnvironment()
    {
        yield return new("PATH", Environment.GetEnvironmentVariable("PATH") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin");
        yield return new("LANG", "C.UTF-8");
        yield return new("DOTNET_NOLOGO", "1");
        foreach (var name in (string[])["HOME", "TMPDIR", "DOTNET_ROOT", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "NO_PROXY", .. ShortLives.Keys])
        {
            if (Environment.GetEnvironmentVariable(name) is { Length: > 0 } value)
                yield return new(name, value);
        }
    }

    private static string SignalName(Signal signal) => signal switch
    {
        Signal.Int => "INT",
        Signal.Term => "TERM",
        Signal.Kill => "KILL",
        _ => throw new ArgumentOutOfRangeException(nameof(signal), signal, "This signal does not end a process."),
    };

    private static BlockingCollection<(ProcessStartInfo, TaskCompletionSource<Process>)> StartThread()
    {
        var queue = new BlockingCollection<(ProcessStartInfo, TaskCompletionSource<Process>)>();
        new Thread(() => StartEach(queue)) { IsBackground = true, Name = "process launcher" }.Start();
        return queue;
    }

    private static void StartEach(BlockingCollection<(ProcessStartInfo, TaskCompletionSource<Process>)> queue)
    {
        foreach (var (start, started) in queue.GetConsumingEnumerable())
        {
            try
            {
                started.SetResult(Process.Start(start)!);
            }
            catch (Exception failure)
            {
                started.SetException(failure);
            }
        }
    }
}
