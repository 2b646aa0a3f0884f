using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using HomeStage.Hosting.Redis;
using HomeStage.Staging.Stagings;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Events;

/// <summary>The event streams of a job and of an account.</summary>
internal static class EventRoutes
{
    internal static void AddEvents(this ServiceBuilder service)
    {
        service.AddRedis();
        service.Services.AddSingleton<EventHub>();
        service.Services.AddSingleton(EventStreamTimes.Default);
        service.Services.AddSingleton<EventStream>();
        service.Services.AddHostedService<EventRelay>();
        service.Map(app =>
        {
            var routes = app.MapGroup("/api/v1").RequireCaller("gateway");
            routes.MapGet("/stagings/{id:guid}/events", OfJobAsync);
            routes.MapGet("/events", OfAccountAsync);
        });
    }

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

    private static async Task<Results<ServerSentEventsResult<string>, NoContent, ProblemHttpResult>> OpenAsync(
        EventFeed feed, string? lastId, EventStream stream, HttpContext context)
    {
        var after = feed.NumberOf(lastId);
        var type = after is { } n ? await feed.TypeOfAsync(n, context.RequestAborted) : null;
        // 204 makes an EventSource stop reconnecting.
        if (type is not null && feed.EndsWith(type))
            return TypedResults.NoContent();
        context.Response.Headers["X-Accel-Buffering"] = "no";
        var items = stream.ReadAsync(feed, type is null ? null : after, context.RequestAborted);
        return TypedResults.ServerSentEvents(stream.WatchAsync(items, context.Abort));
    }
}
