using System.Text.Json;
using HomeStage.Hosting;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Paging;
using HomeStage.Hosting.Problems;
using HomeStage.Hosting.Telemetry;
using HomeStage.Staging.Stagings;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.WebhookEndpoints;

/// <summary><c>/api/v1/webhook-endpoints</c>: where programs of customers are told of events, for members and for keys with the scope.</summary>
internal static class WebhookRoutes
{
    private const string Tag = "Webhook endpoints";

    /// <summary>Reads <c>WEBHOOK_SECRETS_KEY</c> and <c>WEBHOOK_LOCAL_NETWORKS</c>.</summary>
    internal static void AddWebhookEndpoints(this ServiceBuilder service)
    {
        service.Services.AddSingleton(WebhookSecrets.Read(service.Settings));
        service.Services.AddSingleton(WebhookTargets.Read(service.Settings));
        service.Services.AddSingleton<WebhookEndpointStore>();
        service.AddMetrics<WebhookMetrics>();
        service.Services.AddSingleton<WebhookSender>();
        service.Services.AddSingleton<WebhookQueue>();
        service.Services.AddHostedService<WebhookDispatcher>();
        service.Services.AddHostedService<WebhookSampler>();
        service.Map(app =>
        {
            var routes = app.MapGroup("/api/v1/webhook-endpoints").RequireCaller("gateway").AddEndpointFilter(RequireMemberOrKeyAsync)
                .Refuses(ProblemCode.Unauthenticated, ProblemCode.Forbidden);
            MapEndpoints(routes);
            MapDeliveries(routes.MapGroup("/{id:guid}/deliveries"));
        });
    }

    private static void MapEndpoints(RouteGroupBuilder routes)
    {
        routes.MapPost("", CreateAsync)
            .Describe(
                Tag, "createWebhookEndpoint", "Have a program told of events",
                "Deliveries are signed by [Standard Webhooks](https://www.standardwebhooks.com) 1.0 with `secret`, which is in this answer and nowhere else again, not even for a "
                + "repetition under the same `Idempotency-Key`.")
            .Takes<WebhookEndpointForm>("application/json")
            .RequestExample("""{"url":"https://hooks.example.com/homestage","eventTypes":["staging.succeeded","staging.failed"],"description":"our uploader"}""")
            .AnswersHeader(201, "Location", "The endpoint.")
            .TakesIdempotencyKey()
            .Refuses(ProblemCode.ValidationFailed, ProblemCode.UnknownEventType, ProblemCode.WebhookUrlRejected, ProblemCode.WebhookLimitReached, ProblemCode.UnsupportedMediaType, ProblemCode.NotFound);
        routes.MapGet("", ListAsync).Describe(Tag, "listWebhookEndpoints", "The account's webhook endpoints, the newest first");
        routes.MapGet("/event-types", () => TypedResults.Ok(new WebhookEventTypeList([.. WebhookEventTypes.All.Select(type => new WebhookEventTypeView(type.Name, type.Description))])))
            .Describe(Tag, "listWebhookEventTypes", "What endpoints can be told of");
        routes.MapGet("/{id:guid}", GetAsync).Describe(Tag, "getWebhookEndpoint", "A webhook endpoint").OfEndpoint();
        routes.MapPatch("/{id:guid}", ChangeAsync)
            .Describe(
                Tag, "changeWebhookEndpoint", "Change a webhook endpoint",
                "What is left out stays. `enabled` also turns on again what was disabled by us; what waited for it is sent then.")
            .OfEndpoint()
            .Takes<WebhookEndpointForm>("application/json")
            .RequestExample("""{"enabled":true}""")
            .Says(operation => operation["requestBody"]!["content"]!["application/json"]!["schema"] = new System.Text.Json.Nodes.JsonObject
            {
                ["type"] = "object",
                ["description"] = "As for a new endpoint, each member optional; an empty `description` takes it away.",
            })
            .Refuses(ProblemCode.ValidationFailed, ProblemCode.UnknownEventType, ProblemCode.WebhookUrlRejected, ProblemCode.UnsupportedMediaType);
        routes.MapDelete("/{id:guid}", DeleteAsync).Describe(Tag, "deleteWebhookEndpoint", "Delete a webhook endpoint with its log").OfEndpoint();
        routes.MapPost("/{id:guid}/rotate-secret", RotateAsync)
            .Describe(
                Tag, "rotateWebhookSecret", "Give a webhook endpoint another secret",
                "The new one is in this answer. For 24 hours deliveries carry two signatures, one with each secret; to rotate again meanwhile ends the oldest at once.")
            .OfEndpoint();
        routes.MapPost("/{id:guid}/ping", PingAsync)
            .Describe(Tag, "pingWebhookEndpoint", "Send a webhook endpoint a test", "An event of the type `ping`, delivered as all others are.")
            .OfEndpoint().AnswersHeader(202, "Location", "The delivery.").Refuses(ProblemCode.Conflict);
        routes.MapPost("/{id:guid}/replay-failed", ReplayFailedAsync)
            .Describe(Tag, "replayFailedWebhooks", "Send once more all that failed since a time", "Each under the `webhook-id` that it had.")
            .OfEndpoint()
            .RequestExample("""{"since":"2026-03-01T00:00:00Z"}""")
            .Refuses(ProblemCode.ValidationFailed, ProblemCode.Conflict, ProblemCode.UnsupportedMediaType);
    }

    private static void MapDeliveries(RouteGroupBuilder routes)
    {
        routes.MapGet("", ListDeliveriesAsync)
            .Describe(Tag, "listWebhookDeliveries", "What a webhook endpoint was told, the newest first", "Kept for a month, unless the installation says otherwise.")
            .OfEndpoint()
            .Explains("status", "Only deliveries that are `pending`, `succeeded` or `failed`.")
            .Paged();
        routes.MapGet("/{delivery:guid}", GetDeliveryAsync).Describe(Tag, "getWebhookDelivery", "A delivery with its body and all its attempts").OfDelivery();
        routes.MapPost("/{delivery:guid}/replay", ReplayAsync)
            .Describe(Tag, "replayWebhook", "Send a delivery once more", "Under the `webhook-id` that it had, also if it had succeeded.")
            .OfDelivery().AnswersHeader(202, "Location", "The delivery.").Refuses(ProblemCode.Conflict);
    }

    private static TBuilder OfEndpoint<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder => route.Explains("id", "The endpoint.").Refuses(ProblemCode.NotFound);

    private static TBuilder OfDelivery<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder => route.OfEndpoint().Explains("delivery", "The delivery: its `webhook-id`.");

    private static async ValueTask<object?> RequireMemberOrKeyAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next) =>
        await Caller.BindAsync(context.HttpContext) is { Kind: CallerKind.Member or CallerKind.Key }
            ? await next(context)
            : Problem.Result(ProblemCode.Forbidden, "Only somebody who has signed in manages webhook endpoints, or a program with the scope.");

    private static async Task<Results<Created<WebhookEndpointView>, ProblemHttpResult>> CreateAsync(
        Owner owner, IdempotencyKey key, HttpRequest request, WebhookEndpointStore endpoints, RequestKeys keys, TimeProvider time, CancellationToken cancellationToken)
    {
        var body = await BodyAsync(request, cancellationToken);
        var fingerprint = Fingerprint.Of("webhook-endpoint", [], body);
        if (await keys.FindAsync(owner, key, fingerprint, cancellationToken) is { } used)
            return await AgainAsync(used);

        try
        {
            var (endpoint, secret) = await endpoints.CreateAsync(owner, key, fingerprint, WebhookEndpointForm.Parse(body), cancellationToken);
            if (endpoint is not null)
                return Created(WebhookEndpointView.Of(endpoint, time.GetUtcNow()) with { Secret = WebhookSecrets.TextOf(secret) });
        }
        catch (ProblemException refusal) when (refusal.Result.StatusCode < 500)
        {
            if (await keys.TryRefuseAsync(owner, key, fingerprint, refusal.Result, cancellationToken))
                throw;
        }

        // The same request, sent twice at once: the other one was first.
        return await AgainAsync((await keys.FindAsync(owner, key, fingerprint, cancellationToken))!);

        async Task<Results<Created<WebhookEndpointView>, ProblemHttpResult>> AgainAsync(RequestKey used)
        {
            if (used.Refused() is { } refusal)
                return refusal;
            return await endpoints.FindAsync(owner, used.ResourceId!.Value, cancellationToken) is { } made
                ? Created(WebhookEndpointView.Of(made, time.GetUtcNow()))
                : Problem.Result(ProblemCode.NotFound, "The endpoint of this Idempotency-Key was deleted. Use a new key for a new one.");
        }
    }

    private static async Task<Ok<WebhookEndpointList>> ListAsync(Owner owner, WebhookEndpointStore endpoints, TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return TypedResults.Ok(new WebhookEndpointList([.. (await endpoints.ListAsync(owner, cancellationToken)).Select(endpoint => WebhookEndpointView.Of(endpoint, now))]));
    }

    private static async Task<Results<Ok<WebhookEndpointView>, ProblemHttpResult>> GetAsync(
        Guid id, Owner owner, WebhookEndpointStore endpoints, TimeProvider time, CancellationToken cancellationToken) =>
        await endpoints.FindAsync(owner, id, cancellationToken) is { } endpoint ? TypedResults.Ok(WebhookEndpointView.Of(endpoint, time.GetUtcNow())) : Problem.Result(ProblemCode.NotFound);

    private static async Task<Results<Ok<WebhookEndpointView>, ProblemHttpResult>> ChangeAsync(
        Guid id, Owner owner, HttpRequest request, WebhookEndpointStore endpoints, TimeProvider time, CancellationToken cancellationToken)
    {
        var form = WebhookEndpointForm.Parse(await BodyAsync(request, cancellationToken));
        return await endpoints.ChangeAsync(owner, id, form, cancellationToken) is { } endpoint
            ? TypedResults.Ok(WebhookEndpointView.Of(endpoint, time.GetUtcNow()))
            : Problem.Result(ProblemCode.NotFound);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(Guid id, Owner owner, WebhookEndpointStore endpoints, CancellationToken cancellationToken) =>
        await endpoints.DeleteAsync(owner, id, cancellationToken) ? TypedResults.NoContent() : Problem.Result(ProblemCode.NotFound);

    private static async Task<Results<Ok<WebhookEndpointView>, ProblemHttpResult>> RotateAsync(
        Guid id, Owner owner, WebhookEndpointStore endpoints, TimeProvider time, CancellationToken cancellationToken) =>
        await endpoints.RotateAsync(owner, id, cancellationToken) is var (endpoint, secret)
            ? TypedResults.Ok(WebhookEndpointView.Of(endpoint, time.GetUtcNow()) with { Secret = WebhookSecrets.TextOf(secret) })
            : Problem.Result(ProblemCode.NotFound);

    private static async Task<Results<Accepted<WebhookDeliveryView>, ProblemHttpResult>> PingAsync(Guid id, Owner owner, WebhookEndpointStore endpoints, CancellationToken cancellationToken)
    {
        if (await endpoints.FindAsync(owner, id, cancellationToken) is not { } endpoint)
            return Problem.Result(ProblemCode.NotFound);
        if (!endpoint.Enabled)
            return Disabled();
        return await endpoints.PingAsync(id, cancellationToken) is { } delivery ? Accepted(delivery) : Problem.Result(ProblemCode.NotFound);
    }

    private static async Task<Results<Accepted<ReplayedView>, ProblemHttpResult>> ReplayFailedAsync(
        Guid id, Owner owner, ReplayFailedForm form, WebhookEndpointStore endpoints, CancellationToken cancellationToken)
    {
        if (form.Since is not { } since)
            return Problem.Invalid("since", "Say since when, such as 2026-03-01T00:00:00Z.");
        if (await endpoints.FindAsync(owner, id, cancellationToken) is not { } endpoint)
            return Problem.Result(ProblemCode.NotFound);
        return endpoint.Enabled
            ? TypedResults.Accepted((string?)null, new ReplayedView(await endpoints.ReplayFailedAsync(id, since.ToUniversalTime(), cancellationToken)))
            : Disabled();
    }

    private static async Task<Results<Ok<Page<WebhookDeliveryView>>, ProblemHttpResult>> ListDeliveriesAsync(
        Guid id, Owner owner, string? status, int? limit, string? cursor, WebhookEndpointStore endpoints, CancellationToken cancellationToken)
    {
        var count = PageRequest.Limit(limit);
        var before = PageRequest.PositionAsNumber(cursor);
        if (status is not null && !WebhookDeliveryStatus.All.Contains(status))
            return Problem.Invalid("status", $"Use one of {string.Join(", ", WebhookDeliveryStatus.All)}.");
        if (await endpoints.FindAsync(owner, id, cancellationToken) is null)
            return Problem.Result(ProblemCode.NotFound);
        var rows = await endpoints.DeliveriesAsync(id, status, before, count + 1, cancellationToken);
        return TypedResults.Ok(PageRequest.Page(rows, count, row => row.Delivery.N, row => WebhookDeliveryView.Of(row.Delivery, row.Last)));
    }

    private static async Task<Results<Ok<WebhookDeliveryView>, ProblemHttpResult>> GetDeliveryAsync(
        Guid id, Guid delivery, Owner owner, WebhookEndpointStore endpoints, CancellationToken cancellationToken)
    {
        if (await endpoints.FindAsync(owner, id, cancellationToken) is null || await endpoints.FindDeliveryAsync(id, delivery, cancellationToken) is not var (row, log))
            return Problem.Result(ProblemCode.NotFound);
        return TypedResults.Ok(WebhookDeliveryView.Of(row, NewestOf(log)) with
        {
            Payload = JsonSerializer.Deserialize<JsonElement>(row.Payload),
            Log = [.. log.Select(WebhookAttemptView.Of)],
        });
    }

    private static async Task<Results<Accepted<WebhookDeliveryView>, ProblemHttpResult>> ReplayAsync(
        Guid id, Guid delivery, Owner owner, WebhookEndpointStore endpoints, CancellationToken cancellationToken)
    {
        if (await endpoints.FindAsync(owner, id, cancellationToken) is not { } endpoint || await endpoints.FindDeliveryAsync(id, delivery, cancellationToken) is null)
            return Problem.Result(ProblemCode.NotFound);
        if (!endpoint.Enabled)
            return Disabled();
        if (!await endpoints.ReplayAsync(delivery, cancellationToken))
            return Problem.Result(ProblemCode.Conflict, "This delivery is pending: it is tried again by itself.");
        return await endpoints.FindDeliveryAsync(id, delivery, cancellationToken) is var (row, log)
            ? Accepted(row, NewestOf(log))
            : Problem.Result(ProblemCode.NotFound);
    }

    private static WebhookAttempt? NewestOf(IReadOnlyList<WebhookAttempt> log) => log is [.., var newest] ? newest : null;

    private static async Task<byte[]> BodyAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (!request.HasJsonContentType())
            throw new ProblemException(Problem.Result(ProblemCode.UnsupportedMediaType, "Send application/json."));
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, cancellationToken);
        return body.ToArray();
    }

    private static Created<WebhookEndpointView> Created(WebhookEndpointView view) => TypedResults.Created(view.Urls.Self, view);

    private static Accepted<WebhookDeliveryView> Accepted(WebhookDelivery delivery, WebhookAttempt? last = null)
    {
        var view = WebhookDeliveryView.Of(delivery, last);
        return TypedResults.Accepted(view.Urls.Self, view);
    }

    private static ProblemHttpResult Disabled() => Problem.Result(ProblemCode.Conflict, "The endpoint is disabled. Enable it first.");
}
