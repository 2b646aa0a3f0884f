using HomeStage.Contracts;

namespace HomeStage.Worker.Outputs;

/// <summary>
/// <c>{job}/{attempt}/result.json</c>: what an attempt made, written when all its files are there and before anybody is told. Whoever
/// claims the job later reads it before paying for another picture.
/// </summary>
internal sealed record Manifest
{
    public required Guid JobId { get; init; }

    public required int Attempt { get; init; }

    /// <summary>How many pictures the job was missing when the attempt claimed it.</summary>
    public required int Missing { get; init; }

    public required IReadOnlyList<RenderedPicture> Outputs { get; init; }

    public required ProviderUsage Usage { get; init; }

    internal RoomStaged ToMessage() => new() { JobId = JobId, Attempt = Attempt, Outputs = Outputs, Usage = Usage };
}

/// <summary>What earlier calls leave to be done.</summary>
/// <param name="Deliver">Manifests whose pictures the job may not have yet; saying again what it has is recognised and harmless.</param>
/// <param name="Missing">How many pictures this attempt is to make, once those are delivered.</param>
internal sealed record Recovery(IReadOnlyList<Manifest> Deliver, int Missing)
{
    /// <summary>
    /// Compares what was made with what the job still misses: if more was made than the job has, some of it was never delivered.
    /// </summary>
    /// <param name="manifests">Those of this job up to this attempt, in order.</param>
    /// <param name="attempt">This attempt; one that made its call already makes no other.</param>
    /// <param name="missing">How many pictures the job misses now.</param>
    internal static Recovery Plan(IReadOnlyList<Manifest> manifests, int attempt, int missing)
    {
        if (manifests.Count == 0)
            return new Recovery([], missing);
        var made = manifests.Sum(manifest => manifest.Outputs.Count);
        var accepted = Math.Max(0, manifests[0].Missing - missing);
        var undelivered = Math.Max(0, made - accepted);
        var called = manifests[^1].Attempt == attempt;
        return new Recovery(
            undelivered > 0 || called ? manifests : [],
            called ? 0 : Math.Max(0, missing - undelivered));
    }
}
