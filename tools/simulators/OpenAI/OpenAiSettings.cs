namespace HomeStage.Simulators.OpenAI;

/// <summary>How the simulated provider is started.</summary>
internal sealed record OpenAiSettings
{
    public required Uri Url { get; init; }

    /// <summary>The one key that it accepts.</summary>
    public required string ApiKey { get; init; }

    /// <summary>How long a picture takes; changed at run time through <c>/control/settings</c>.</summary>
    public TimeSpan Latency { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The account's rate limit in images a minute (a request asks for <c>n</c>).</summary>
    public int ImagesPerMinute { get; init; } = 60_000;
}

/// <summary>The settings that <c>POST /control/settings</c> may change while it runs.</summary>
internal sealed class OpenAiBehaviour(OpenAiSettings settings)
{
    public TimeSpan Latency { get; set; } = settings.Latency;

    public int ImagesPerMinute { get; set; } = settings.ImagesPerMinute;
}
