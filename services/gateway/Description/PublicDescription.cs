using System.Text.Json;
using System.Text.Json.Nodes;
using HomeStage.Gateway.Challenges;
using HomeStage.Gateway.Limits;
using HomeStage.Gateway.Proxy;
using HomeStage.Gateway.Webhooks;
using HomeStage.Hosting;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Problems;
using Yarp.ReverseProxy.Configuration;

namespace HomeStage.Gateway.Description;

/// <summary>
/// Makes the public API document out of what the services say of themselves: adds to each operation what its route in
/// <c>appsettings.json</c> means to a client (who may call, how often, how much) and how the gateway refuses.
/// </summary>
internal static class PublicDescription
{
    /// <summary>The class whose limits hold for an operation.</summary>
    internal const string LimitExtension = "x-limit";

    private const string OpenExtension = "x-open";
    private const string UpstreamsSection = "Upstreams";

    private static readonly ProblemCode[] OfEvery = [ProblemCode.ValidationFailed, ProblemCode.InternalError];
    private static readonly ProblemCode[] OfUpstreams =
    [
        ProblemCode.Unavailable,
        ProblemCode.Unavailable with { Status = StatusCodes.Status502BadGateway },
        ProblemCode.Unavailable with { Status = StatusCodes.Status504GatewayTimeout },
    ];

    /// <summary>In the mode <c>describe</c>, joins the parts in the files that <c>Upstreams:…</c> on the command line names.</summary>
    internal static void AddPublicDescription(this ServiceBuilder service) => service.FinishDescription = (own, services) =>
    {
        var parts = service.Configuration.GetSection(UpstreamsSection).GetChildren().Select(part => JsonNode.Parse(File.ReadAllText(part.Value!))!.AsObject());
        var document = Join(PublicText.Frame(), [own, .. parts]);
        var routes = new RouteTable(services.GetRequiredService<IProxyConfigProvider>().GetConfig().Routes);
        var limits = services.GetRequiredService<LimitClasses>();
        foreach (var (path, item) in document["paths"]!.AsObject())
        {
            foreach (var (method, operation) in item!.AsObject())
                Complete($"{method.ToUpperInvariant()} {path}", operation!.AsObject(), routes.Find(method, path), limits, document);
        }

        return document;
    };

    /// <summary>Anybody may call it, with a session or without.</summary>
    internal static TBuilder Open<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder => route.Says(operation => operation[OpenExtension] = true);

    private static JsonObject Join(JsonObject frame, IEnumerable<JsonObject> parts)
    {
        var paths = frame["paths"]!.AsObject();
        var schemas = frame["components"]!["schemas"]!.AsObject();
        foreach (var part in parts)
        {
            foreach (var (path, item) in part["paths"]!.AsObject())
            {
                if (!paths.TryAdd(path, item!.DeepClone()))
                    throw new InvalidOperationException($"Two services describe {path}.");
            }

            foreach (var (name, schema) in part["components"]?["schemas"]?.AsObject() ?? [])
            {
                if (!schemas.TryAdd(name, schema!.DeepClone()) && !JsonNode.DeepEquals(schemas[name], schema))
                    throw new InvalidOperationException($"Two services describe another {name}.");
            }
        }

        Sort(paths);
        Sort(schemas);
        return frame;
    }

    private static void Complete(string name, JsonObject operation, RouteConfig? route, LimitClasses limits, JsonObject document)
    {
        if (operation["operationId"] is null)
            throw new InvalidOperationException($"{name} does not say what it is: see Described.Describe.");
        var isUnsafe = !name.StartsWith("GET ", StringComparison.Ordinal);
        var limit = route is null ? (string?)operation[LimitExtension] ?? LimitClasses.Api : route.Limit();
        operation["security"] ??= Security(route, isUnsafe, open: operation.Remove(OpenExtension));
        operation.Remove(LimitExtension);
        var challenged = isUnsafe && route is not null && route.Challenge() != ChallengeRule.None;
        if (challenged)
            AddChallenge(operation);
        Tell(operation, route, isUnsafe, limit is null ? null : limits[limit]);
        var said = operation[Described.ProblemsExtension].Deserialize<ProblemCode[]>(JsonSerializerOptions.Web) ?? [];
        operation.Remove(Described.ProblemsExtension);
        AddProblems(operation, [.. said, .. challenged ? Challenge.Refusals : [], .. Refusals(operation, route, isUnsafe, limit is null ? null : limits[limit])], document);
        foreach (var (status, response) in operation["responses"]!.AsObject())
        {
            if (limit is not null && status[0] is '2' or '3')
                WithLimits(response!.AsObject());
        }
    }

    private static void AddChallenge(JsonObject operation)
    {
        var parameters = operation["parameters"]?.AsArray() ?? [];
        parameters.Add(new JsonObject
        {
            ["name"] = Challenge.Header,
            ["in"] = "header",
            ["description"] = "Of a browser, where `challenge_required` is answered: the answer to the challenge that `GET /api/v1/session` names.",
            ["schema"] = new JsonObject { ["type"] = "string" },
        });
        operation["parameters"] = parameters;
    }

    private static JsonArray Security(RouteConfig? route, bool isUnsafe, bool open)
    {
        if (route?.IsPublic() is true)
            return [];
        JsonArray security = [new JsonObject { [PublicText.Session] = new JsonArray() }];
        if (route?.ScopeOf(isUnsafe) is { } scope)
        {
            security.Add(new JsonObject { [PublicText.ApiKey] = new JsonArray(scope) });
            security.Add(new JsonObject { [PublicText.AccessToken] = new JsonArray(scope) });
        }

        if (open)
            security.Add(new JsonObject());
        return security;
    }

    private static IEnumerable<ProblemCode> Refusals(JsonObject operation, RouteConfig? route, bool isUnsafe, LimitClass? limit)
    {
        foreach (var code in OfEvery)
            yield return code;
        if (operation["requestBody"] is not null)
        {
            yield return ProblemCode.PayloadTooLarge;
            yield return ProblemCode.UnsupportedMediaType;
        }

        if (limit is not null)
        {
            // Also what an address is told that support has blocked.
            yield return ProblemCode.Forbidden;
            yield return ProblemCode.RateLimited;
        }

        if (limit?.Closed is true)
            yield return ProblemCode.UsageUnavailable;
        if (route is null)
            yield break;
        foreach (var code in route.IsStripe() ? WebhookDoor.Refusals : [])
            yield return code;
        foreach (var code in OfUpstreams)
            yield return code;
        if (route.IsPublic())
            yield break;
        yield return ProblemCode.Unauthenticated;
        yield return ProblemCode.IdentityUnavailable;
        if (isUnsafe)
            yield return ProblemCode.CsrfRejected;
    }

    /// <summary>Adds to the description who may call, how much, and how often.</summary>
    private static void Tell(JsonObject operation, RouteConfig? route, bool isUnsafe, LimitClass? limit)
    {
        var sentences = new List<string>();
        if (operation["description"] is { } text)
            sentences.Add((string)text!);
        if (route is not null && !route.IsPublic())
            sentences.Add(route.ScopeOf(isUnsafe) is { } scope ? $"A key or token needs the scope `{scope}`." : "Keys and tokens cannot do this.");
        if (operation["requestBody"] is not null)
            sentences.Add($"At most {Size(route is null ? BodyLimits.Default : BodyLimits.LimitOf(route))} can be sent.");
        if (limit is not null)
            sentences.Add($"Limits (`{limit.Name}`): {string.Join(", ", limit.Policies.Select(policy => $"{policy.Limit} in {PublicText.Words(policy.Window)} ({policy.Burst} at once)"))}{(route?.CountsPhotos() == true ? "; each photo counts" : "")}.");
        operation["description"] = string.Join(' ', sentences);
    }

    private static string Size(long bytes) => bytes >= 1024 * 1024 ? $"{bytes / (1024 * 1024)} MiB" : $"{bytes / 1024} KiB";

    /// <summary>One response for each status, shared by all operations that refuse with the same codes.</summary>
    private static void AddProblems(JsonObject operation, IEnumerable<ProblemCode> codes, JsonObject document)
    {
        var responses = operation["responses"]!.AsObject();
        var shared = document["components"]!["responses"]!.AsObject();
        foreach (var group in codes.DistinctBy(code => (code.Code, code.Status)).GroupBy(code => code.Status).OrderBy(group => group.Key))
        {
            var problems = group.OrderBy(code => code.Code, StringComparer.Ordinal).ToList();
            var name = $"{group.Key}-{string.Join('-', problems.Select(code => code.Code))}";
            if (!shared.ContainsKey(name))
            {
                shared[name] = PublicText.Refusal(problems);
                Sort(shared);
            }

            responses[$"{group.Key}"] = new JsonObject { ["$ref"] = "#/components/responses/" + name };
        }

        Sort(responses);
    }

    private static void WithLimits(JsonObject response)
    {
        var headers = response["headers"]?.AsObject() ?? [];
        foreach (var header in PublicText.LimitHeaders)
            headers[header] = new JsonObject { ["$ref"] = "#/components/headers/" + header };
        response["headers"] = headers;
    }

    /// <summary>In one order, whatever order the services have.</summary>
    private static void Sort(JsonObject map)
    {
        var items = map.OrderBy(item => item.Key, StringComparer.Ordinal).ToList();
        map.Clear();
        foreach (var (key, value) in items)
            map[key] = value;
    }
}
