using System.Text.Json.Nodes;
using Xunit;

namespace HomeStage.Staging.Tests.Listings;

/// <summary>One running service for all tests of listings; each test is somebody else.</summary>
[CollectionDefinition(Name)]
public sealed class ListingScene : ICollectionFixture<StagingFixture>
{
    internal const string Name = "listings";
}

internal static class ListingScenes
{
    /// <summary>Plays the worker that makes a job's pictures; gives what it was told.</summary>
    internal static async Task<Contracts.StageRoom> RenderAsync(this StagingApp app, Guid job, int attempt = 1)
    {
        var work = await app.SentAsync(job, attempt);
        await app.ClaimAsync(job, attempt);
        await app.PublishAsync(await Samples.StagedAsync(app.Blobs, job, attempt, work.VariationsMissing));
        return work;
    }

    /// <summary>Plays the worker whose attempt has failed for good.</summary>
    internal static async Task FailAsync(this StagingApp app, Guid job)
    {
        await app.SentAsync(job);
        await app.ClaimAsync(job);
        await app.PublishAsync(Samples.Failed(job, 1, "moderation_blocked", retryable: false, mayHaveCost: false));
    }

    internal static IEnumerable<string> Statuses(this JsonNode listing) => listing["items"]!.AsArray().Select(item => (string)item!["status"]!);
}
