using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace HomeStage.Gateway.Tests.Scene;

/// <summary>What entitlements answers the gateway about people and keys, as far as these tests need it; the real one has tests of its own.</summary>
public sealed class FakeEntitlements
{
    /// <summary>The account of each identity that has signed in, by subject.</summary>
    public ConcurrentDictionary<string, Guid> Identities { get; } = new(StringComparer.Ordinal);

    /// <summary>Keys by the SHA-256 that the gateway sends.</summary>
    public ConcurrentDictionary<string, object> Keys { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether a visitor has things that a person is asked about.</summary>
    public bool VisitorsHaveThings { get; set; }

    /// <summary>Whether it answers 503.</summary>
    public bool Away { get; set; }

    /// <summary>What it was asked, by path.</summary>
    public ConcurrentQueue<(string Path, JsonNode Body)> Asked { get; } = [];

    /// <summary>To be given to the stack.</summary>
    public async Task<bool> AnswerAsync(HttpContext context)
    {
        var text = (string)context.Items["body"]!;
        var path = context.Request.Path.Value!;
        if (!path.StartsWith("/internal/", StringComparison.Ordinal))
            return false;
        if (Away)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return true;
        }

        var body = text.Length == 0 ? new JsonObject() : JsonNode.Parse(text)!;
        Asked.Enqueue((path, body));
        var (status, answer) = Answer(path, body);
        context.Response.StatusCode = status;
        if (answer is not null)
            await context.Response.WriteAsJsonAsync(answer, JsonSerializerOptions.Web);
        return true;
    }

    private (int Status, object? Body) Answer(string path, JsonNode body) => path switch
    {
        "/internal/sign-ins" => (200, SignIn(body)),
        "/internal/identities/resolve" => (200, new { accountId = Identities.GetOrAdd((string)body["subject"]!, _ => Guid.CreateVersion7()) }),
        "/internal/api-keys/resolve" => Keys.TryGetValue((string)body["hash"]!, out var key) ? (200, key) : (404, null),
        _ => (204, null),
    };

    private object SignIn(JsonNode body)
    {
        var visitor = body["old"] is { } old && (string)old["kind"]! == "visitor" ? (Guid?)old["accountId"] : null;
        if (Identities.TryGetValue((string)body["subject"]!, out var known))
            return VisitorsHaveThings && visitor is not null && body["merge"] is null ? new { result = "ask", accountId = known } : new { result = "known", accountId = known };
        var account = visitor ?? Guid.CreateVersion7();
        Identities[(string)body["subject"]!] = account;
        return new { result = "first", accountId = account };
    }
}
