using System.Text.Json;
using System.Text.Json.Serialization;
using HomeStage.Simulators.Faults;

namespace HomeStage.Simulators.OpenAI;

/// <summary>What <c>POST /control/settings</c> changes; what is left out stays.</summary>
internal sealed record BehaviourChange(double? LatencyMs, int? ImagesPerMinute);

internal static class OpenAiControl
{
    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    public static void MapOpenAiControl(this IEndpointRouteBuilder app)
    {
        app.MapGet("/control/stats", (CallLog log, CompletionLog completions) => log.Show(completions.All));
        app.MapDelete("/control/stats", (CallLog log, CompletionLog completions) =>
        {
            log.Clear();
            completions.Clear();
            return Results.NoContent();
        });
        app.MapGet("/control/settings", Show);
        app.MapPost("/control/settings", Change);
    }

    private static IResult Show(OpenAiBehaviour behaviour) => Results.Json(
        new BehaviourChange(behaviour.Latency.TotalMilliseconds, behaviour.ImagesPerMinute), Strict);

    private static async Task<IResult> Change(HttpRequest request, OpenAiBehaviour behaviour, CancellationToken cancel)
    {
        BehaviourChange change;
        try
        {
            change = await JsonSerializer.DeserializeAsync<BehaviourChange>(request.Body, Strict, cancel) ?? new BehaviourChange(null, null);
        }
        catch (JsonException unreadable)
        {
            return ControlAnswers.BadRequest(unreadable.Message);
        }
        if (change.LatencyMs is < 0 or > 3_600_000)
            return ControlAnswers.BadRequest("latencyMs must be 0 to 3600000");
        if (change.ImagesPerMinute is < 1)
            return ControlAnswers.BadRequest("imagesPerMinute must be at least 1");
        behaviour.Latency = change.LatencyMs is { } latency ? TimeSpan.FromMilliseconds(latency) : behaviour.Latency;
        behaviour.ImagesPerMinute = change.ImagesPerMinute ?? behaviour.ImagesPerMinute;
        return Show(behaviour);
    }
}
