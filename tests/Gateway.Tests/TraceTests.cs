using System.Collections.Concurrent;
using System.Diagnostics;

namespace HomeStage.Gateway.Tests;

/// <summary>What traces carry away.</summary>
public sealed class TraceTests
{
    [Fact]
    public async Task Nothing_that_a_client_sends_in_confidence_is_in_a_trace()
    {
        const string mark = "mArK7f3a9c";
        var activities = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "Microsoft.AspNetCore" or "System.Net.Http",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activities.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        // Nobody listens there; what would be sent is what this test looks at.
        await using var stack = await Stack.StartAsync((_, settings) => settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1");
        using var client = stack.Client();

        foreach (var path in (string[])[$"/d/{mark}", $"/d/{mark}/images/1", $"/api/v1/session?code={mark}", $"/api/v1/credits?token={mark}", $"/auth/callback/any?code={mark}&state={mark}"])
        {
            using var answer = await client.SendAsync(
                HttpMethod.Get, path, ("Authorization", mark), ("Cookie", $"{Http.CookieName}={mark}"), ("X-Forwarded-For", mark), ("Referer", $"http://localhost/{mark}"), ("baggage", $"a={mark}"));
        }

        // Tags as they are once everybody has had a hand in them, which is how they are exported.
        var gateway = stack.Url.Port;
        await stack.StopGatewayAsync();
        var said = activities.Where(activity => !IsCallOf(gateway, activity)).SelectMany(activity => activity.TagObjects.Concat(activity.Events.SelectMany(happened => happened.Tags))
            .Select(tag => $"{activity.Source.Name} {activity.DisplayName} {activity.Parent?.DisplayName}: {tag.Key}={tag.Value}")).ToList();
        said.ShouldContain(tag => tag.Contains("url.path=/d/{token}"));
        said.Where(tag => tag.Contains(mark)).ShouldBeEmpty();
    }

    /// <summary>The spans of the client that plays the outside are nobody's trace.</summary>
    private static bool IsCallOf(int port, Activity activity) => activity.Kind == ActivityKind.Client && activity.GetTagItem("server.port") is int called && called == port;
}
