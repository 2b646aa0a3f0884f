using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HomeStage.Testing;
using Shouldly;

namespace HomeStage.Staging.Tests.WebhookEndpoints;

/// <summary>What customers do with their endpoints, in the tests' own words.</summary>
internal static class Customer
{
    internal const string Endpoints = "/api/v1/webhook-endpoints";

    internal static readonly string[] All = ["staging.queued", "staging.running", "staging.succeeded", "staging.failed", "staging.canceled", "listing.finished", "credits.changed"];

    internal static Task<Answer> TryMakeAsync(this Visitor visitor, object form, string? key = null) => visitor.SendAsync(HttpMethod.Post, Endpoints, JsonContent.Create(form), key);

    /// <summary>Makes an endpoint that is taken, told of everything unless said otherwise.</summary>
    internal static async Task<Answer> MakeAsync(this Visitor visitor, string url, params string[] types)
    {
        var answer = await visitor.TryMakeAsync(new { url, eventTypes = types.Length == 0 ? All : types });
        answer.Status.ShouldBe(201, answer.Body?.ToString());
        return answer;
    }

    internal static string Self(this Answer answer) => (string)answer.Body!["urls"]!["self"]!;

    internal static Task<Answer> ChangeAsync(this Visitor visitor, string self, object form) => visitor.SendAsync(HttpMethod.Patch, self, JsonContent.Create(form));

    internal static Task<Answer> PostAsync(this Visitor visitor, string path, object? form = null) => visitor.SendAsync(HttpMethod.Post, path, form is null ? null : JsonContent.Create(form));

    internal static async Task<string> PingAsync(this Visitor visitor, string self)
    {
        var answer = await visitor.PostAsync(self + "/ping");
        answer.Status.ShouldBe(202, answer.Body?.ToString());
        return answer.Text("id");
    }

    /// <summary>Waits until a delivery is as asked.</summary>
    internal static Task<JsonNode> UntilDeliveryAsync(this Visitor visitor, string self, string id, Func<JsonNode, bool> condition, string what) => Eventually.ValueAsync(
        async () => (await visitor.GetAsync($"{self}/deliveries/{id}")).Body is { } delivery && condition(delivery) ? delivery : null, what);

    /// <summary>Has a room furnished.</summary>
    internal static async Task<Guid> SucceededAsync(this Visitor visitor, StagingApp app)
    {
        var id = await visitor.SubmitAsync();
        await app.SentAsync(id);
        await app.ClaimAsync(id);
        await app.PublishAsync(await Samples.StagedAsync(app.Blobs, id, 1, 1));
        await visitor.UntilAsync(id, "succeeded");
        return id;
    }
}
