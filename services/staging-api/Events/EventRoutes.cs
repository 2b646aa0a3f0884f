using HomeStage.Hosting;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using HomeStage.Hosting.Redis;
using HomeStage.Staging.Listings;
using HomeStage.Staging.Stagings;
using HomeStage.Staging.WebhookEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Events;

/// <summary>The event streams of a job and of an account; that of a listing is among its routes.</summary>
internal static class EventRoutes
{
    internal static void AddEvents(this ServiceBuilder service)
    {
        service.AddRedis();
        AddListener(service);
        service.Services.AddSingleton<EventHub>();
        service.Services.AddSingleton(EventStreamTimes.Default);
        service.Services.AddSingleton<EventStream>();
        service.Services.AddHostedService<EventRelay>();
        service.Map(app =>
        {
            var routes = app.MapGroup("/api/v1").RequireCaller("gateway").Refuses(ProblemCode.Unauthenticated);
            routes.MapGet("/stagings/{id:guid}/events", OfJobAsync)
                .Describe("Events", "followStaging", "The events of a staging, live", Resuming + " The stream ends after the last event; to connect again with its id is answered 204.")
                .Explains("id", "The staging.")
                .ExplainsResumption()
                .AnswersEvents("The stream.", [("snapshot", "The staging as it is now; its `id` is that of the last event that it includes.", typeof(StagingView)), .. OfJobs, Ping])
                .Says(operation => operation["responses"]!["204"]!["description"] = "The staging has ended, and its last event was received.")
                .Refuses(ProblemCode.NotFound);
            routes.MapGet("/events", OfAccountAsync)
                .Describe("Events", "followAccount", "The events of all stagings of the account and of its credits, live", Resuming + " It never ends by itself.")
                .ExplainsResumption()
                .AnswersEvents(
                    "The stream.",
                    [
                        ("snapshot", "All stagings that have not ended and the 20 newest.", typeof(AccountSnapshotView)),
                        .. OfJobs,
                        ListingRoutes.EndedEvent,
                        ("credits", "The balance has changed: read `GET /api/v1/credits` again.", typeof(MomentView)),
                        (WebhookDisabledView.EventType, "A webhook endpoint of the account was disabled by us.", typeof(WebhookDisabledView)),
                        Ping,
                    ])
                .Says(operation => operation["responses"]!.AsObject().Remove("204"));
        });
    }

    /// <summary>Reads <c>HTTP2_URL</c>.</summary>
    private static void AddListener(ServiceBuilder service)
    {
        if (service.Settings.Optional("HTTP2_URL") is null)
            return;
        service.AddListener(service.Settings.Url("HTTP2_URL", "the address where gateways open event streams by HTTP/2, e.g. http://127.0.0.1:5011"), HttpProtocols.Http2);
        // It would end a whole connection for one stream whose client takes nothing. Clients are told from slow ones at the gateway, and streams end by themselves.
        service.Services.Configure<KestrelServerOptions>(kestrel => kestrel.Limits.MinResponseDataRate = null);
    }

    internal const string Resuming =
        "Begins with `snapshot`, or with a `ping` and exactly what follows the id that it is given. Ignore events whose name you do not know. "
        + "It may be cut at any time: connect again, as an `EventSource` does by itself, with the last id.";

    internal static readonly (string, string, Type) Ping = ("ping", "At least each 15 seconds of silence; without `id`.", typeof(MomentView));

    internal static readonly (string, string, Type)[] OfJobs =
    [
        ("queued", "A staging waits for a worker.", typeof(StagingEventView)),
        ("running", "A worker has it.", typeof(StagingEventView)),
        ("progress", "It has reached another phase, or there is another preview.", typeof(StagingEventView)),
        ("succeeded", "It has ended with pictures.", typeof(StagingEventView)),
        ("failed", "It has ended without; `error` says why. It costs nothing.", typeof(StagingEventView)),
        ("canceled", "It was canceled; pictures that had arrived stay.", typeof(StagingEventView)),
    ];

    internal static RouteHandlerBuilder ExplainsResumption(this RouteHandlerBuilder route) => route
        .Explains("Last-Event-ID", "The last id that was received.")
        .Explains("lastEventId", "The same, for an `EventSource` that is made anew; the header counts if there are both.");

    private static async Task<Results<ServerSentEventsResult<string>, NoContent, ProblemHttpResult>> OfJobAsync(
        Guid id,
        Owner owner,
        [FromHeader(Name = "Last-Event-ID")] string? reconnectedAfter,
        string? lastEventId,
        IDbContextFactory<StagingDb> databases,
        StagingViews views,
        EventStream stream,
        HttpContext context)
    {
        await using (var db = await databases.CreateDbContextAsync(context.RequestAborted))
        {
            if (!await db.Jobs.AnyAsync(row => row.Id == id && owner.Accounts.Contains(row.AccountId) && row.DeletedAt == null, context.RequestAborted))
                return Problem.Result(ProblemCode.NotFound);
        }

        return await OpenAsync(new JobFeed(databases, views, id), reconnectedAfter ?? lastEventId, stream, context);
    }

    private static Task<Results<ServerSentEventsResult<string>, NoContent, ProblemHttpResult>> OfAccountAsync(
        Owner owner,
        [FromHeader(Name = "Last-Event-ID")] string? reconnectedAfter,
        string? lastEventId,
        IDbContextFactory<StagingDb> databases,
        StagingViews views,
        EventStream stream,
        HttpContext context) =>
        OpenAsync(new AccountFeed(databases, views, owner), reconnectedAfter ?? lastEventId, stream, context);

    internal static async Task<Results<ServerSentEventsResult<string>, NoContent, ProblemHttpResult>> OpenAsync(
        EventFeed feed, string? lastId, EventStream stream, HttpContext context)
    {
        var after = feed.NumberOf(lastId);
        var type = after is { } n ? await feed.TypeOfAsync(n, context.RequestAborted) : null;
        // 204 makes an EventSource stop reconnecting.
        if (type is null ? await EndedAtAsync(feed, after, context.RequestAborted) : feed.EndsWith(type))
            return TypedResults.NoContent();
        context.Response.Headers["X-Accel-Buffering"] = "no";
        var items = stream.ReadAsync(feed, type is null ? null : after, context.RequestAborted);
        return TypedResults.ServerSentEvents(stream.WatchAsync(items, context.Abort));
    }

    /// <summary>Whether an event that is not, or no longer, kept was the last.</summary>
    private static async Task<bool> EndedAtAsync(EventFeed feed, long? n, CancellationToken cancellationToken) =>
        n is not null && await feed.SnapshotAsync(cancellationToken) is { Ended: true } snapshot && snapshot.N == n;
}
