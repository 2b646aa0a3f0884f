using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing.Template;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace HomeStage.Gateway.Tests.Description;

public sealed class ApiDocumentTests(SharedStack shared)
{
    [Fact]
    public async Task Every_route_of_the_gateway_is_in_the_API_document()
    {
        using var client = shared.Stack.Client();
        var operations = (await ReadAsync(client))["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(operation => (Method: operation.Key.ToUpperInvariant(), Path: path.Key))).ToList();
        var routes = shared.Stack.Gateway.Services.GetRequiredService<IConfiguration>().GetSection("ReverseProxy:Routes").GetChildren().ToList();

        var missing = routes.Where(route => !operations.Exists(operation => Leads(route, operation.Method, operation.Path))).Select(route => route.Key);

        routes.Count.ShouldBeGreaterThan(15);
        missing.ShouldBeEmpty();
        // What the gateway answers itself.
        foreach (var own in (string[])["GET /api/v1/session", "POST /api/v1/session", "POST /api/v1/session/restore", "POST /auth/login", "POST /auth/merge", "POST /auth/logout"])
            operations.ShouldContain((own.Split(' ')[0], own.Split(' ')[1]));
    }

    [Fact]
    public async Task The_API_document_may_be_kept_and_asked_for_again()
    {
        using var client = shared.Stack.Client();

        using var first = await client.SendAsync(HttpMethod.Get, "/openapi/v1.json");
        using var again = await client.SendAsync(HttpMethod.Get, "/openapi/v1.json", ("If-None-Match", first.Headers.ETag!.ToString()));

        first.Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
        (first.Headers.CacheControl!.Public, first.Headers.CacheControl.MaxAge).ShouldBe((true, TimeSpan.FromMinutes(5)));
        first.Headers.Contains("Set-Cookie").ShouldBeFalse();
        again.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        ((string)(await ReadAsync(client))["openapi"]!).ShouldStartWith("3.1.");
    }

    [Fact]
    public async Task Every_operation_says_who_may_call_it_and_how_it_refuses()
    {
        using var client = shared.Stack.Client();
        var document = await ReadAsync(client);

        foreach (var (path, method, operation) in document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(operation => (path.Key, operation.Key, operation.Value!))))
        {
            var name = $"{method} {path}";
            operation["security"].ShouldNotBeNull(name);
            operation["summary"].ShouldNotBeNull(name);
            var refusals = operation["responses"]!.AsObject().Where(response => response.Key[0] is '4' or '5' && response.Key != "416").ToList();
            refusals.Select(response => response.Key).ShouldContain("400", name);
            foreach (var (status, response) in refusals)
                ((string?)response!["$ref"]).ShouldStartWith($"#/components/responses/{status}-", customMessage: name);
            // A program's key opens what the gateway lets it, and nothing that makes keys, sessions or orders.
            var scopes = operation["security"]!.AsArray().SelectMany(one => one!["apiKey"]?.AsArray() ?? []).Select(scope => (string)scope!);
            scopes.ShouldBe(ScopeOf(path, method) is { } scope ? [scope] : [], name);
        }

        foreach (var (_, schemaless) in document["components"]!["responses"]!.AsObject())
            schemaless!["content"]!["application/problem+json"]!["schema"]!["allOf"]![1]!["properties"]!["code"]!["enum"]!.AsArray().ShouldNotBeEmpty();
    }

    private static string? ScopeOf(string path, string method) => path switch
    {
        _ when path.StartsWith("/api/v1/credits", StringComparison.Ordinal) => "credits:read",
        "/api/v1/photos" or "/api/v1/events" => method == "get" ? "stagings:read" : "stagings:write",
        _ when path.StartsWith("/api/v1/webhook-endpoints", StringComparison.Ordinal) => method == "get" ? "webhooks:read" : "webhooks:write",
        _ when path.StartsWith("/api/v1/stagings", StringComparison.Ordinal) || path.StartsWith("/api/v1/listings", StringComparison.Ordinal) => method == "get" ? "stagings:read" : "stagings:write",
        _ => null,
    };

    private static async Task<JsonObject> ReadAsync(HttpClient client) =>
        JsonNode.Parse(await client.GetStringAsync("/openapi/v1.json", TestContext.Current.CancellationToken))!.AsObject();

    private static bool Leads(IConfigurationSection route, string method, string path)
    {
        var methods = route.GetSection("Match:Methods").Get<string[]>();
        var sample = string.Join('/', path.Split('/').Select(part => part.StartsWith('{') ? "1" : part));
        return (methods is null || methods.Contains(method)) && new TemplateMatcher(TemplateParser.Parse(route["Match:Path"]!.TrimStart('/')), []).TryMatch(sample, []);
    }
}
