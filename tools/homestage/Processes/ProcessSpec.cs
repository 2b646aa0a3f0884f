namespace HomeStage.Tool.Processes;

/// <summary>A process as it shall be: nothing of the tool's own environment reaches it but what is said here and what every program needs.</summary>
internal sealed record ProcessSpec(string Name, string FileName, IReadOnlyList<string> Arguments)
{
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    public string? WorkingDirectory { get; init; }

    /// <summary>Both output streams are appended here by the kernel, so nothing is lost when the tool dies.</summary>
    public required string LogFile { get; init; }

    /// <summary>The account to run as; null is the tool's own. Only root can give another.</summary>
    public string? RunAs { get; init; }

    /// <summary>Asks for an orderly end.</summary>
    public Signal StopSignal { get; init; } = Signal.Term;

    /// <summary>
    /// Whether the signal is sent twice, which our services take as an end without delay. (SIGINT would say the same, but a program that was
    /// started in the background of a shell's script, or by nohup, ignores it, and so do all that it starts.)
    /// </summary>
    public bool IsHurried { get; init; }

    /// <summary>Sent by the kernel when the tool is gone, however it went.</summary>
    public Signal ParentDeathSignal { get; init; } = Signal.Kill;

    /// <summary>How long an orderly end may take before the process is killed.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
