using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using HomeStage.Simulators.Faults;

namespace HomeStage.Simulators.OpenAI;

/// <summary>A chat completion that was asked for, as it is shown at <c>/control/stats</c>; never the text, nor the pictures.</summary>
internal sealed record Completion(IReadOnlyDictionary<string, string> Fields, string? Schema, IReadOnlyList<ImageHeader> Images);

/// <summary><c>POST /v1/chat/completions</c>: what a vision model says of a picture, in the form that was asked for.</summary>
internal static class ChatEndpoint
{
    // A vision model answers several times as fast as a picture is made.
    private const int TimesFaster = 5;

    // What the zones of our sample room are, near enough for any room that is photographed from its end.
    private const string Zones = """
        {"zones":[
          {"kind":"door","x":0.02,"y":0.24,"width":0.13,"height":0.6},
          {"kind":"window","x":0.36,"y":0.2,"width":0.28,"height":0.34},
          {"kind":"radiator","x":0.4,"y":0.56,"width":0.2,"height":0.1},
          {"kind":"walkway","x":0.06,"y":0.72,"width":0.3,"height":0.22}]}
        """;

    public static void MapChatCompletions(this IEndpointRouteBuilder app) => app.MapPost("/v1/chat/completions", Complete);

    private static async Task<IResult> Complete(HttpContext context, OpenAiBehaviour behaviour, CompletionLog log, TimeProvider time)
    {
        var cancel = context.RequestAborted;
        var request = await ReadAsync(context.Request, cancel);
        log.Add(new Completion(request.Shown, request.SchemaName, request.Images));
        await Task.Delay(behaviour.Latency / TimesFaster, time, cancel);
        var fault = context.Features.Get<Fault>()?.Kind;
        var content = fault == FaultKind.OffSchema ? """{"zones":[{"kind":"sofa","x":2}]}""" : Say(request);
        if (fault == FaultKind.TruncatedAnswer)
            content = content[..(content.Length / 2)];
        var (read, written) = (TokensOf(request), (content.Length + 3) / 4);
        return Results.Json(new JsonObject
        {
            ["id"] = $"chatcmpl-{Guid.NewGuid():n}",
            ["object"] = "chat.completion",
            ["created"] = time.GetUtcNow().ToUnixTimeSeconds(),
            ["model"] = request.Model.Name,
            ["choices"] = new JsonArray(new JsonObject
            {
                ["index"] = 0,
                ["message"] = new JsonObject
                {
                    ["role"] = "assistant",
                    ["content"] = fault == FaultKind.Refusal ? null : content,
                    ["refusal"] = fault == FaultKind.Refusal ? "I'm sorry, I can't help with that." : null,
                    ["annotations"] = new JsonArray(),
                },
                ["logprobs"] = null,
                ["finish_reason"] = fault == FaultKind.TruncatedAnswer ? "length" : "stop",
            }),
            ["usage"] = new JsonObject
            {
                ["prompt_tokens"] = read,
                ["completion_tokens"] = written,
                ["total_tokens"] = read + written,
                ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = 0, ["audio_tokens"] = 0 },
                ["completion_tokens_details"] = new JsonObject { ["reasoning_tokens"] = 0, ["audio_tokens"] = 0 },
            },
            ["service_tier"] = "default",
        });
    }

    private static async Task<ChatRequest> ReadAsync(HttpRequest request, CancellationToken cancel)
    {
        try
        {
            using var body = await JsonDocument.ParseAsync(request.Body, cancellationToken: cancel);
            return ChatRequest.Read(body.RootElement);
        }
        catch (JsonException)
        {
            throw OpenAiException.Invalid("We could not parse the JSON body of your request. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.", null, null);
        }
    }

    // Who asks for zones gets some; any other schema is beyond this simulator, and free text is one sentence.
    private static string Say(ChatRequest request) => request.Schema switch
    {
        { } schema when schema.TryGetProperty("properties", out var properties) && properties.TryGetProperty("zones", out _) => JsonNode.Parse(Zones)!.ToJsonString(),
        { } => "{}",
        null => "This is a room.",
    };

    /// <summary>Text, and 85 tokens for each picture with 170 for each of its tiles of 512 (OpenAI's guide to images and vision).</summary>
    private static int TokensOf(ChatRequest request) => ((request.TextLength + 3) / 4)
        + request.Images.Sum(image => 85 + (170 * ((image.Width + 511) / 512) * ((image.Height + 511) / 512)));
}

/// <summary>The chat completions that were asked for.</summary>
internal sealed class CompletionLog
{
    private readonly ConcurrentQueue<Completion> _all = new();

    public IReadOnlyCollection<Completion> All => _all;

    public void Add(Completion completion) => _all.Enqueue(completion);

    public void Clear() => _all.Clear();
}
