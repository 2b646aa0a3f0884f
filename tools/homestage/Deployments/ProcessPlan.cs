using HomeStage.Tool.Processes;

namespace HomeStage.Tool.Deployments;

/// <summary>When a process stops, all of one stage together: first who lets work in, last who does it for others.</summary>
internal enum StopStage
{
    Gateway,
    Workers,
    Services,
    Simulators,
}

/// <summary>One process of a deployment.</summary>
/// <param name="Name">Unique in the deployment: <c>billing</c>, <c>staging-worker-2</c>.</param>
/// <param name="Program">What <see cref="Programs"/> knows it as.</param>
/// <param name="Arguments">Its command line.</param>
/// <param name="Settings">Its environment.</param>
internal sealed record ProcessPlan(string Name, string Program, IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Settings)
{
    /// <summary>Answers 200 once the process is ready; null for one that runs to its end.</summary>
    public Uri? Ready { get; init; }

    public StopStage Stage { get; init; } = StopStage.Services;

    /// <inheritdoc cref="ProcessSpec.IsHurried"/>
    public bool IsHurried { get; init; }

    /// <summary>How long an orderly end may take before the process is killed.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For a person: where it can be reached and what it is.</summary>
    public (string Address, string Note)? Shown { get; init; }

    public ProcessSpec Spec(string logFolder)
    {
        var (runtime, file) = Programs.Find(Program);
        return new(Name, runtime, [file, .. Arguments])
        {
            Environment = Settings,
            LogFile = Path.Combine(logFolder, Name + ".log"),
            IsHurried = IsHurried,
            StopTimeout = StopTimeout,
        };
    }
}
