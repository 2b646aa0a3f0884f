using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace HomeStage.Staging.WebhookEndpoints;

/// <summary>A webhook endpoint as its owner sees it.</summary>
/// <param name="Id">For <c>/api/v1/webhook-endpoints/{id}</c>.</param>
/// <param name="Url">Where to.</param>
/// <param name="Description">What its owner calls it.</param>
/// <param name="EventTypes">What it is told.</param>
/// <param name="Enabled">Whether it is told anything.</param>
/// <param name="DisabledReason">Why it is not: <c>owner</c>, its owner wants it so; <c>failing</c>, nothing succeeded for five days; <c>gone</c>, it answered 410.</param>
/// <param name="FailingSince">The first of the failures after which nothing has succeeded.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="PreviousSecretUntil">Until when the secret before the last rotation signs too.</param>
/// <param name="Urls">What can be done next.</param>
/// <param name="Secret">What deliveries are signed with, in the answer that made it and never again.</param>
internal sealed record WebhookEndpointView(
    Guid Id,
    string Url,
    string? Description,
    IReadOnlyList<string> EventTypes,
    bool Enabled,
    string? DisabledReason,
    DateTimeOffset? FailingSince,
    DateTimeOffset CreatedAt,
    DateTimeOffset? PreviousSecretUntil,
    WebhookEndpointUrls Urls,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Secret = null)
{
    internal static string PathOf(Guid id) => $"/api/v1/webhook-endpoints/{id}";

    internal static WebhookEndpointView Of(WebhookEndpoint endpoint, DateTimeOffset now)
    {
        var path = PathOf(endpoint.Id);
        return new(
            endpoint.Id, endpoint.Url, endpoint.Description, endpoint.EventTypes, endpoint.Enabled, endpoint.DisabledReason, endpoint.FailingSince, endpoint.CreatedAt,
            endpoint.PreviousSecretUntil > now ? endpoint.PreviousSecretUntil : null,
            new(path, path + "/deliveries", path + "/ping", path + "/rotate-secret", path + "/replay-failed"));
    }
}

/// <summary>What can be done with an endpoint.</summary>
/// <param name="Self">Read, change or delete it.</param>
/// <param name="Deliveries">What it was told.</param>
/// <param name="Ping">POST sends it a test.</param>
/// <param name="RotateSecret">POST gives it another secret.</param>
/// <param name="ReplayFailed">POST sends once more what failed.</param>
internal sealed record WebhookEndpointUrls(string Self, string Deliveries, string Ping, string RotateSecret, string ReplayFailed);

/// <summary>Answer to <c>GET /api/v1/webhook-endpoints</c>: the newest first.</summary>
internal sealed record WebhookEndpointList(IReadOnlyList<WebhookEndpointView> Items);

/// <summary>What endpoints can be told.</summary>
internal sealed record WebhookEventTypeList(IReadOnlyList<WebhookEventTypeView> Items);

/// <summary>An event that endpoints can be told of.</summary>
/// <param name="Type">On the wire.</param>
/// <param name="Description">For people.</param>
internal sealed record WebhookEventTypeView(string Type, string Description);

/// <summary>One event for one endpoint.</summary>
/// <param name="Id">The <c>webhook-id</c> of all its attempts.</param>
/// <param name="Type">What it tells of.</param>
/// <param name="Status">While it is <c>pending</c>, it is tried again.</param>
/// <param name="CreatedAt">When the event happened.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="NextAttemptAt">When it is tried next; while its endpoint is disabled it waits.</param>
/// <param name="LastAttempt">What came of the last one.</param>
/// <param name="Urls">What can be done next.</param>
/// <param name="Payload">The body that is sent; only where one delivery is asked for.</param>
/// <param name="Log">Its attempts, the oldest first; only where one delivery is asked for.</param>
internal sealed record WebhookDeliveryView(
    Guid Id,
    string Type,
    [property: AllowedValues(WebhookDeliveryStatus.Pending, WebhookDeliveryStatus.Succeeded, WebhookDeliveryStatus.Failed)] string Status,
    DateTimeOffset CreatedAt,
    int Attempts,
    DateTimeOffset? NextAttemptAt,
    WebhookAttemptView? LastAttempt,
    WebhookDeliveryUrls Urls,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] JsonElement? Payload = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<WebhookAttemptView>? Log = null)
{
    internal static WebhookDeliveryView Of(WebhookDelivery delivery, WebhookAttempt? last)
    {
        var path = $"{WebhookEndpointView.PathOf(delivery.EndpointId)}/deliveries/{delivery.Id}";
        return new(
            delivery.Id, delivery.Type, delivery.Status, delivery.CreatedAt, delivery.Attempts, delivery.NextAttemptAt,
            last is null ? null : WebhookAttemptView.Of(last), new(path, path + "/replay"));
    }
}

/// <summary>What can be done with a delivery.</summary>
/// <param name="Self">Read it with its body and all its attempts.</param>
/// <param name="Replay">POST sends it once more.</param>
internal sealed record WebhookDeliveryUrls(string Self, string Replay);

/// <summary>What became of one attempt.</summary>
/// <param name="N">Counts from 1.</param>
/// <param name="At">When it began.</param>
/// <param name="DurationMs">Until there was an answer, or none.</param>
/// <param name="Status">The HTTP status; null where there was no answer.</param>
/// <param name="Error">Why there was no answer: <c>timeout</c>, <c>name_not_found</c>, <c>connection_failed</c>, <c>tls_failed</c>, <c>address_refused</c>, <c>protocol_error</c>.</param>
/// <param name="Answer">How the answer begins.</param>
internal sealed record WebhookAttemptView(int N, DateTimeOffset At, int DurationMs, int? Status, string? Error, string? Answer)
{
    internal static WebhookAttemptView Of(WebhookAttempt attempt) => new(attempt.N, attempt.At, attempt.DurationMs, attempt.Status, attempt.Error, attempt.Answer);
}

/// <summary>How many deliveries are sent once more.</summary>
/// <param name="Replayed">Their number.</param>
internal sealed record ReplayedView(int Replayed);

/// <summary>Data of the account's event that an endpoint was disabled by us.</summary>
/// <param name="EndpointId">The endpoint.</param>
/// <param name="Reason">As <c>disabledReason</c> of the endpoint.</param>
/// <param name="At">When.</param>
internal sealed record WebhookDisabledView(Guid EndpointId, [property: AllowedValues(WebhookDisabled.Failing, WebhookDisabled.Gone)] string Reason, DateTimeOffset At)
{
    internal const string EventType = "webhook_disabled";
}
