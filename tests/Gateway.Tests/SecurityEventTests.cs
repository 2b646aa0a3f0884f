using System.Net;
using HomeStage.Gateway.Telemetry;
using Microsoft.Extensions.Logging;

namespace HomeStage.Gateway.Tests;

public sealed class SecurityEventTests
{
    [Theory]
    [InlineData("csrf_rejected", "POST", "/api/v1/stagings", "Origin", "https://evil.example", "origin")]
    [InlineData("csrf_rejected", "POST", "/api/v1/stagings", "Sec-Fetch-Site", "cross-site", "fetch_site")]
    [InlineData("authentication_failed", "GET", "/api/v1/credits", "Authorization", "Bearer marked", "bearer")]
    [InlineData("session_unreadable", "GET", "/api/v1/credits", "Cookie", Http.CookieName + "=marked", "cookie")]
    [InlineData("path_refused", "GET", "/api/v1/marked%2f", "X-Nothing", "1", "path")]
    public async Task A_refusal_for_safety_is_logged_and_counted_without_what_was_sent(
        string name, string method, string path, string header, string value, string reason)
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();
        using var management = Stack.Client(stack.ManagementUrl);

        using var answer = await client.SendAsync(new HttpMethod(method), path, (header, value), ("User-Agent", "Agent/" + new string('x', 5000)));
        using var metrics = await management.SendAsync(HttpMethod.Get, "/metrics");

        answer.IsSuccessStatusCode.ShouldBeFalse();
        var entry = stack.Logs.Entries.Where(entry => entry.Event == name).ShouldHaveSingleItem();
        entry.Level.ShouldBe(LogLevel.Warning);
        entry.Fields["reason"].ShouldBe(reason);
        entry.Fields["user_agent"]!.Length.ShouldBe(200);
        entry.Fields["ip"].ShouldBe(new Gateway.Identity.AddressHasher(System.Text.Encoding.UTF8.GetBytes(Stack.Pepper)).Hash(IPAddress.Loopback));
        entry.Message.ShouldNotContain("marked");
        entry.Message.ShouldNotContain("127.0.0.1");
        var text = await metrics.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        text.Split('\n').ShouldContain(line =>
            line.StartsWith("homestage_gateway_security_events") && line.Contains($"\"{name}\"") && line.Contains($"\"{reason}\""));
    }

    [Fact]
    public async Task A_flood_is_counted_whole_and_written_in_part()
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();
        using var management = Stack.Client(stack.ManagementUrl);
        const int Flood = SecurityEvents.LinesPerSecond + 5;
        for (var i = 0; i < Flood; i++)
            using (await client.SendAsync(HttpMethod.Get, "/api/v1/%2f")) { }
        Written().ShouldBe(SecurityEvents.LinesPerSecond);
        stack.Time.Advance(TimeSpan.FromSeconds(1));
        using (await client.SendAsync(HttpMethod.Get, "/api/v1/%2f")) { }

        Written().ShouldBe(SecurityEvents.LinesPerSecond + 1);
        stack.Logs.Entries.Where(entry => entry.Event == "security_events_left_out").ShouldHaveSingleItem().Fields["count"].ShouldBe("5");
        (await management.GetStringAsync("/metrics", TestContext.Current.CancellationToken)).Split('\n')
            .ShouldContain($"homestage_gateway_security_events_total{{event=\"path_refused\",reason=\"path\"}} {Flood + 1}");

        int Written() => stack.Logs.Entries.Count(entry => entry.Event == "path_refused");
    }

    [Theory]
    [InlineData("homestage_gateway_security_events_total{event=\"rate_limited\",reason=\"api\"} 0")]
    [InlineData("homestage_gateway_security_events_total{event=\"webhook_refused\",reason=\"signature_stale\"} 0")]
    [InlineData("homestage_gateway_limit_decisions_total{limit=\"checkout\",outcome=\"unavailable\"} 0")]
    public async Task What_alerts_watch_is_counted_from_zero(string series)
    {
        await using var stack = await Stack.StartAsync();
        using var management = Stack.Client(stack.ManagementUrl);

        var text = await management.GetStringAsync("/metrics", TestContext.Current.CancellationToken);

        text.Split('\n').ShouldContain(series);
    }
}
