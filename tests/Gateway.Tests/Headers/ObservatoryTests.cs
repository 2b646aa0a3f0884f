using System.Text.Json;
using HomeStage.Tool;

namespace HomeStage.Gateway.Tests.Headers;

/// <summary>What MDN's HTTP Observatory says of the answers that browsers get.</summary>
public sealed class ObservatoryTests
{
    private const string Host = "homestage.test";

    [Fact]
    public async Task The_observatory_finds_nothing_to_subtract()
    {
        await using var stack = await Stack.StartAsync((_, settings) =>
        {
            settings["PUBLIC_URL"] = $"https://{Host}";
            settings["TLS_IN_FRONT"] = "true";
            settings["TRUSTED_PROXIES"] = "127.0.0.1";
        });
        using var client = stack.Client();
        (string, string)[] overHttps = [("Host", Host), ("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Proto", "https")];
        using var plain = await client.SendAsync(HttpMethod.Get, "/", ("Host", Host), ("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Proto", "http"));
        using var page = await client.SendAsync(HttpMethod.Get, "/", overHttps);
        using var preflight = await client.SendAsync(HttpMethod.Options, "/", [.. overHttps, ("Origin", "https://http-observatory.security.mozilla.org"), ("Access-Control-Request-Method", "GET")]);
        using var session = await client.SendAsync(HttpMethod.Get, "/api/v1/session", overHttps);
        var input = new
        {
            host = Host,
            page = new { status = (int)page.StatusCode, headers = Headers(page, session.SetCookie()), body = await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken) },
            cors = new { status = (int)preflight.StatusCode, headers = Headers(preflight, cookie: null), body = "" },
            redirects = (object[])[new { url = $"http://{Host}/", status = (int)plain.StatusCode }, new { url = plain.Headers.Location, status = (int)page.StatusCode }],
        };

        var (code, output, errors) = await NodeProgram.RunAsync(Path.Combine(SourceTree.Root, "tests", "npm", "observatory.mjs"), [JsonSerializer.Serialize(input)]);

        code.ShouldBe(0, errors);
        var grade = JsonDocument.Parse(output).RootElement;
        grade.GetProperty("grade").GetString().ShouldBe("A+", output);
        grade.GetProperty("score").GetInt32().ShouldBeGreaterThanOrEqualTo(100, output);
        foreach (var result in grade.GetProperty("results").EnumerateArray())
        {
            result.GetProperty("pass").GetBoolean().ShouldBeTrue(result.GetRawText());
            result.GetProperty("modifier").GetInt32().ShouldBeGreaterThanOrEqualTo(0, result.GetRawText());
        }
    }

    private static Dictionary<string, string[]> Headers(HttpResponseMessage answer, string? cookie)
    {
        var headers = answer.Headers.Concat(answer.Content.Headers).ToDictionary(header => header.Key.ToLowerInvariant(), header => header.Value.ToArray());
        if (cookie is not null)
            headers["set-cookie"] = [cookie];
        return headers;
    }
}
