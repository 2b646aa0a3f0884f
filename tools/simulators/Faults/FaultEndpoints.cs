using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace HomeStage.Simulators.Faults;

/// <summary><c>/control/faults</c>: POST queues one fault or a list, GET shows what waits, DELETE forgets it.</summary>
internal static class FaultEndpoints
{
    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public static void MapFaults(this IEndpointRouteBuilder app)
    {
        app.MapGet("/control/faults", (FaultQueue faults) => Results.Json(faults.List(), Strict));
        app.MapPost("/control/faults", Queue);
        app.MapDelete("/control/faults", (FaultQueue faults) =>
        {
            faults.Clear();
            return Results.NoContent();
        });
    }

    private static async Task<IResult> Queue(HttpRequest request, FaultQueue faults, CancellationToken cancel)
    {
        Fault[] added;
        try
        {
            var body = await JsonNode.ParseAsync(request.Body, cancellationToken: cancel);
            added = body is JsonArray list ? list.Deserialize<Fault[]>(Strict) ?? [] : [body.Deserialize<Fault>(Strict)!];
        }
        catch (JsonException unreadable)
        {
            return ControlAnswers.BadRequest(unreadable.Message);
        }
        if (added.FirstOrDefault(fault => fault?.Complaint() is not null) is { } wrong)
            return ControlAnswers.BadRequest(wrong.Complaint()!);
        if (added.Length == 0 || added.Any(fault => fault is null))
            return ControlAnswers.BadRequest("send a fault, or a list of faults");
        faults.Add(added);
        return Results.Json(faults.List(), Strict, statusCode: StatusCodes.Status201Created);
    }
}
