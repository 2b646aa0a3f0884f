namespace HomeStage.Worker.Provider;

/// <summary>What the provider charges, in US dollars for a million tokens. Prices change more often than this program, so they are settings.</summary>
internal sealed record TokenPrices(decimal Input, decimal Output)
{
    /// <summary>The cost of a call in millionths of a dollar, rounded up; null if the provider did not count its tokens.</summary>
    internal long? Of(long? inputTokens, long? outputTokens) => inputTokens is { } input && outputTokens is { } output
        ? (long)Math.Ceiling((input * Input) + (output * Output))
        : null;
}
