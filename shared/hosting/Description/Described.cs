using System.Text.Json;
using System.Text.Json.Nodes;
using HomeStage.Hosting.Idempotency;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace HomeStage.Hosting.Description;

/// <summary>
/// What a public endpoint says of itself in the API document, beside what its signature says: kept next to the endpoint as metadata, read by
/// nothing while the service serves. The descriptions of types and their members are their docstrings.
/// </summary>
public static class Described
{
    /// <summary>Names the operation. Every public endpoint needs this; see <c>./homestage openapi</c>.</summary>
    /// <param name="route">The endpoint.</param>
    /// <param name="tag">The section of the document that it belongs to.</param>
    /// <param name="id">Its name for programs, in camelCase, unique in the document.</param>
    /// <param name="summary">Its name for people.</param>
    /// <param name="text">What else a caller has to know, in Markdown.</param>
    public static TBuilder Describe<TBuilder>(this TBuilder route, string tag, string id, string summary, string? text = null)
        where TBuilder : IEndpointConventionBuilder => route.Says(operation =>
        {
            operation["tags"] = new JsonArray(tag);
            operation["operationId"] = id;
            operation["summary"] = summary;
            if (text is not null)
                operation["description"] = text;
        });

    /// <summary>The errors that the endpoint itself may answer; the gateway adds its own.</summary>
    public static TBuilder Refuses<TBuilder>(this TBuilder route, params ProblemCode[] codes)
        where TBuilder : IEndpointConventionBuilder => route.Says(operation =>
        {
            var problems = operation[ProblemsExtension]?.AsArray() ?? [];
            foreach (var code in codes)
                problems.Add(JsonSerializer.SerializeToNode(code, JsonSerializerOptions.Web));
            operation[ProblemsExtension] = problems;
        });

    /// <summary>The endpoint takes an <c>Idempotency-Key</c>.</summary>
    public static TBuilder TakesIdempotencyKey<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder => route.Refuses(ProblemCode.IdempotencyConflict).Says(operation =>
            Parameters(operation).Add(new JsonObject
            {
                ["name"] = IdempotencyKeyHeader.Name,
                ["in"] = "header",
                ["description"] = "A name of your own for this request, for instance a UUID. The same request under the same key is carried out once and answered "
                    + "alike, also when it was refused; another request under it is `idempotency_conflict`. Kept for 24 hours at least.",
                ["schema"] = new JsonObject { ["type"] = "string", ["minLength"] = 1, ["maxLength"] = 255, ["pattern"] = "^[!-~]+$" },
                ["example"] = "6f1c2b34-7d0e-4c52-9a57-0d8f3b1e2a90",
            }));

    /// <summary>The endpoint answers in pages and takes <c>limit</c> and <c>cursor</c>.</summary>
    public static TBuilder Paged<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder => route
            .Explains("limit", "How many items to answer.", schema => (schema["minimum"], schema["maximum"], schema["default"]) = (1, 100, 20))
            .Explains("cursor", "`nextCursor` of the answer before, unchanged; leave it out for the first page.")
            .Refuses(ProblemCode.ValidationFailed);

    /// <summary>What a parameter is for.</summary>
    /// <param name="route">The endpoint.</param>
    /// <param name="parameter">Its name.</param>
    /// <param name="text">What it is for, in Markdown.</param>
    /// <param name="schema">Says more of its schema.</param>
    public static TBuilder Explains<TBuilder>(this TBuilder route, string parameter, string text, Action<JsonObject>? schema = null)
        where TBuilder : IEndpointConventionBuilder => route.Says(operation =>
        {
            var said = Parameters(operation).Single(one => (string?)one!["name"] == parameter)!.AsObject();
            said["description"] = text;
            schema?.Invoke(said["schema"]!.AsObject());
        });

    /// <summary>The endpoint reads a body by hand that has this form.</summary>
    /// <typeparam name="TBody">The form; its name ends in <c>Request</c> or <c>Form</c>.</typeparam>
    public static RouteHandlerBuilder Takes<TBody>(this RouteHandlerBuilder route, params string[] mediaTypes) =>
        route.WithMetadata(new TakenBody(typeof(TBody), mediaTypes));

    /// <summary>The body of the endpoint is a file.</summary>
    public static TBuilder TakesFile<TBuilder>(this TBuilder route, params string[] mediaTypes)
        where TBuilder : IEndpointConventionBuilder => route.Says(operation =>
            operation["requestBody"] = new JsonObject { ["required"] = true, ["content"] = Files(mediaTypes) });

    /// <summary>The endpoint answers 200 with a file.</summary>
    public static TBuilder AnswersFile<TBuilder>(this TBuilder route, string text, params string[] mediaTypes)
        where TBuilder : IEndpointConventionBuilder => route.Says(operation =>
        {
            var responses = Responses(operation);
            JsonObject headers = new()
            {
                ["ETag"] = Header("Names this content; send it as `If-None-Match` to ask whether it is still the same."),
                ["Cache-Control"] = Header("How long it may be kept."),
                ["Content-Disposition"] = Header("A file name."),
            };
            responses["200"] = new JsonObject { ["description"] = text, ["headers"] = headers, ["content"] = Files(mediaTypes) };
            responses["206"] = new JsonObject { ["description"] = "The part that `Range` asked for.", ["content"] = Files(mediaTypes) };
            responses["304"] = new JsonObject { ["description"] = "What `If-None-Match` names is still the same." };
            responses["416"] = new JsonObject { ["description"] = "The file ends before the `Range` begins." };
        });

    /// <summary>The endpoint answers 200 with a stream of events.</summary>
    /// <param name="route">The endpoint.</param>
    /// <param name="text">What the stream is, in Markdown.</param>
    /// <param name="events">The events: name, when it is sent, the type of its data.</param>
    public static TBuilder AnswersEvents<TBuilder>(this TBuilder route, string text, params (string Name, string Text, Type Data)[] events)
        where TBuilder : IEndpointConventionBuilder
    {
        // The framework makes schemas of what is answered: these answers are there for that alone, and go once it has.
        var types = events.Select(one => one.Data).Distinct().ToList();
        for (var index = 0; index < types.Count; index++)
            route.WithMetadata(new ProducesResponseTypeMetadata(SchemasOnly + index, types[index], ["application/json"]));
        return route.Says(operation =>
        {
            for (var index = 0; index < types.Count; index++)
                Responses(operation).Remove($"{SchemasOnly + index}");
            JsonArray forms = [.. events.Select(one => new JsonObject
            {
                ["type"] = "object",
                ["description"] = one.Text,
                ["required"] = new JsonArray("event", "data"),
                ["properties"] = new JsonObject
                {
                    ["event"] = new JsonObject { ["const"] = one.Name },
                    ["id"] = new JsonObject { ["type"] = "string", ["description"] = "Send the last one as `Last-Event-ID` to go on from there." },
                    ["data"] = new JsonObject
                    {
                        ["type"] = "string",
                        ["contentMediaType"] = "application/json",
                        ["contentSchema"] = new JsonObject { ["$ref"] = "#/components/schemas/" + ApiDescription.NameOf(one.Data) },
                    },
                },
            })];
            Responses(operation)["200"] = new JsonObject
            {
                ["description"] = text,
                ["content"] = new JsonObject
                {
                    ["text/event-stream"] = new JsonObject
                    {
                        ["schema"] = new JsonObject
                        {
                            ["type"] = "array",
                            ["description"] = "The events in their order, each of the fields `event`, `id` and `data`.",
                            ["items"] = new JsonObject { ["oneOf"] = forms },
                        },
                    },
                },
            };
        });
    }

    /// <summary>An example of what the endpoint answers.</summary>
    public static TBuilder Example<TBuilder>(this TBuilder route, int status, [System.Diagnostics.CodeAnalysis.StringSyntax("Json")] string json)
        where TBuilder : IEndpointConventionBuilder => route.Says(operation =>
            Responses(operation)[$"{status}"]!["content"]!["application/json"]!["example"] = JsonNode.Parse(json));

    /// <summary>An example of what the endpoint takes.</summary>
    public static TBuilder RequestExample<TBuilder>(this TBuilder route, [System.Diagnostics.CodeAnalysis.StringSyntax("Json")] string json)
        where TBuilder : IEndpointConventionBuilder => route.Says(operation =>
            operation["requestBody"]!["content"]!["application/json"]!["example"] = JsonNode.Parse(json));

    /// <summary>A header of an answer.</summary>
    public static TBuilder AnswersHeader<TBuilder>(this TBuilder route, int status, string name, string text)
        where TBuilder : IEndpointConventionBuilder => route.Says(operation =>
        {
            var response = Responses(operation)[$"{status}"]!.AsObject();
            var headers = response["headers"]?.AsObject() ?? [];
            headers[name] = Header(text);
            response["headers"] = headers;
        });

    /// <summary>Anything else that there is to say, as a change of the operation's JSON.</summary>
    public static TBuilder Says<TBuilder>(this TBuilder route, Action<JsonObject> say)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new OperationText(say));

    /// <summary>Where the errors of an operation stand until the gateway makes responses of all of them.</summary>
    public const string ProblemsExtension = "x-problems";

    private const int SchemasOnly = 290;

    private static JsonArray Parameters(JsonObject operation)
    {
        if (operation["parameters"] is not JsonArray parameters)
            operation["parameters"] = parameters = [];
        return parameters;
    }

    private static JsonObject Responses(JsonObject operation) => operation["responses"]!.AsObject();

    private static JsonObject Header(string text) => new() { ["description"] = text, ["schema"] = new JsonObject { ["type"] = "string" } };

    private static JsonObject Files(string[] mediaTypes) =>
        new(mediaTypes.Select(type => KeyValuePair.Create<string, JsonNode?>(type, new JsonObject { ["schema"] = new JsonObject { ["type"] = "string", ["contentMediaType"] = type } })));
}

/// <summary>A change of an operation's JSON, made once the framework has said what it knows.</summary>
internal sealed record OperationText(Action<JsonObject> Say);

/// <summary>The form of a body that an endpoint reads by hand.</summary>
internal sealed record TakenBody(Type Type, string[] MediaTypes);
