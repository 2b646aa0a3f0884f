using System.Text.Json;
using System.Text.Json.Nodes;
using HomeStage.Staging.Attempts;
using HomeStage.Staging.Listings;
using HomeStage.Staging.Stagings;

namespace HomeStage.Staging.WebhookEndpoints;

/// <summary>Something that endpoints can be told.</summary>
/// <param name="Name">On the wire.</param>
/// <param name="StreamEvent">The event of the account's stream that it tells of.</param>
/// <param name="Description">For people.</param>
/// <param name="Data">The <c>data</c> of its payload: ids, receipts and where to read the rest; nothing that needs to be kept secret. From the job, where
/// it is about one, and from the data of the stream's event.</param>
internal sealed record WebhookEventType(string Name, string StreamEvent, string Description, Func<Job?, JsonObject, JsonNode> Data);

/// <summary>A payload that endpoints are to get.</summary>
internal sealed record WebhookMessage(string Type, string Payload, DateTimeOffset At);

/// <summary>The table of what endpoints can be told. A line more is an event more.</summary>
internal static class WebhookEventTypes
{
    /// <summary>What <c>ping</c> sends; nobody subscribes to it.</summary>
    internal const string Ping = "ping";

    internal static readonly WebhookEventType[] All =
    [
        OfStaging("queued", "A staging was paid for and waits for a worker."),
        OfStaging("running", "A worker has begun with it."),
        OfStaging("succeeded", "It has ended with pictures; `receipt` says what was charged."),
        OfStaging("failed", "It has ended without pictures and costs nothing; `error` says why."),
        OfStaging("canceled", "It was canceled; pictures that had arrived stay and are in the receipt."),
        new("listing.finished", ListingProgress.EndedEvent, "All stagings of a listing have ended; `counts` says how.", (_, ended) => OfListing(ended)),
        new("credits.changed", "credits", "The balance has changed: read it.", (_, _) => new JsonObject { ["url"] = "/api/v1/credits" }),
    ];

    private static readonly Dictionary<string, WebhookEventType> ByStreamEvent = All.ToDictionary(type => type.StreamEvent, StringComparer.Ordinal);

    internal static IEnumerable<string> Names => All.Select(type => type.Name);

    /// <summary>What endpoints are told of an event of the account's stream; null where nobody can ask for it.</summary>
    /// <param name="job">The job that it is about.</param>
    /// <param name="streamEvent">Its type on the stream.</param>
    /// <param name="body">Its data on the stream, as JSON with <c>at</c>.</param>
    internal static WebhookMessage? MessageOf(Job? job, string streamEvent, string body)
    {
        // Of a submission that was refused, and of which nothing is kept, its caller has read already.
        if (!ByStreamEvent.TryGetValue(streamEvent, out var type) || job is { DeletedAt: not null })
            return null;
        var data = JsonNode.Parse(body)!.AsObject();
        var at = data["at"]!.GetValue<DateTimeOffset>();
        return Message(type.Name, at, type.Data(job, data));
    }

    /// <summary>A test.</summary>
    internal static WebhookMessage PingOf(Guid endpointId, DateTimeOffset now) => Message(Ping, now, new JsonObject { ["endpointId"] = endpointId });

    private static WebhookMessage Message(string type, DateTimeOffset at, JsonNode data) =>
        new(type, JsonSerializer.Serialize(new { type, timestamp = at.UtcDateTime, data }, StagingViews.Json), at);

    private static JsonObject OfListing(JsonObject ended)
    {
        ended.Remove("at");
        ended["url"] = ListingViews.Url(ended["listingId"]!.GetValue<Guid>());
        return ended;
    }

    private static WebhookEventType OfStaging(string streamEvent, string description) =>
        new("staging." + streamEvent, streamEvent, description, (job, _) => JsonSerializer.SerializeToNode(StagingWebhookData.Of(job!), StagingViews.Json)!);
}

/// <summary>The <c>data</c> of <c>staging.…</c>.</summary>
/// <param name="StagingId">The staging.</param>
/// <param name="Status">As of the staging.</param>
/// <param name="Images">How many pictures there are.</param>
/// <param name="Error">Why it failed.</param>
/// <param name="Receipt">What was charged; null until it has ended.</param>
/// <param name="Url">Where the rest is to be read.</param>
internal sealed record StagingWebhookData(Guid StagingId, string Status, int Images, ErrorView? Error, ReceiptView? Receipt, string Url)
{
    internal static StagingWebhookData Of(Job job) =>
        new(job.Id, job.PublicStatus, job.Pictures.Length, StagingViews.Error(job), StagingViews.Receipt(job), StagingViews.Url(job));
}
