using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace HomeStage.Gateway.Tests.Scene;

/// <summary>Requests in the words of the tests.</summary>
public static class Http
{
    public const string CookieName = "__Host-homestage";

    /// <summary>A request; headers as pairs.</summary>
    public static HttpRequestMessage Request(HttpMethod method, string path, params ReadOnlySpan<(string Name, string Value)> headers)
    {
        var request = new HttpRequestMessage(method, path);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    public static HttpRequestMessage With(this HttpRequestMessage request, string name, string? value)
    {
        if (value is not null)
            request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    public static HttpRequestMessage With(this HttpRequestMessage request, HttpContent body)
    {
        request.Content = body;
        return request;
    }

    public static Task<HttpResponseMessage> SendAsync(this HttpClient client, HttpMethod method, string path, params ReadOnlySpan<(string Name, string Value)> headers) =>
        client.SendAsync(Request(method, path, headers), TestContext.Current.CancellationToken);

    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage answer)
    {
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return json.RootElement.Clone();
    }

    /// <summary>What the upstream says that it received.</summary>
    public static async Task<Received> EchoAsync(this HttpResponseMessage answer)
    {
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return JsonSerializer.Deserialize<Received>(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), JsonSerializerOptions.Web)!;
    }

    /// <summary>Asserts that the answer is a problem of that kind, with what every problem carries.</summary>
    public static async Task<JsonElement> ShouldBeProblemAsync(this HttpResponseMessage answer, HttpStatusCode status, string code)
    {
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        answer.StatusCode.ShouldBe(status, text);
        answer.Content.Headers.ContentType?.MediaType.ShouldBe("application/problem+json");
        var problem = await answer.JsonAsync();
        problem.GetProperty("code").GetString().ShouldBe(code);
        problem.GetProperty("traceId").GetString().ShouldNotBeNullOrEmpty();
        problem.GetProperty("retryable").ValueKind.ShouldBeOneOf(JsonValueKind.True, JsonValueKind.False);
        return problem;
    }

    /// <summary>The whole Set-Cookie line of the session, or null.</summary>
    public static string? SetCookie(this HttpResponseMessage answer) =>
        answer.Headers.TryGetValues("Set-Cookie", out var values) ? values.SingleOrDefault(value => value.StartsWith(CookieName + "=", StringComparison.Ordinal)) : null;

    /// <summary>The Cookie header for a session that the answer gave.</summary>
    public static string Cookie(this HttpResponseMessage answer) => answer.SetCookie().ShouldNotBeNull().Split(';')[0];

    /// <summary>A new visitor: the Cookie header and what the session says.</summary>
    public static async Task<(string Cookie, Guid AccountId, Guid SessionId)> VisitorAsync(this HttpClient client)
    {
        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/session");
        var session = await answer.JsonAsync();
        return (answer.Cookie(), session.GetProperty("accountId").GetGuid(), session.GetProperty("sessionId").GetGuid());
    }

    /// <summary>Sends bytes as they are, and reads until the server closes or has sent a certain text.</summary>
    public static async Task<string> RawAsync(Uri url, string request, string? until = null)
    {
        var cancel = TestContext.Current.CancellationToken;
        using var socket = new TcpClient();
        await socket.ConnectAsync(url.Host, url.Port, cancel);
        await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), cancel);
        var (answer, buffer) = (new StringBuilder(), new byte[16 * 1024]);
        try
        {
            while (await socket.GetStream().ReadAsync(buffer, cancel) is var read and > 0)
            {
                answer.Append(Encoding.ASCII.GetString(buffer, 0, read));
                if (until is not null && answer.ToString().Contains(until, StringComparison.Ordinal))
                    break;
            }
        }
        catch (IOException) when (answer.Length > 0)
        {
            // A server that closes without having read all says so after its answer.
        }

        return answer.ToString();
    }
}
