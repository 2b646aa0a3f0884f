using System.Diagnostics.Metrics;
using System.Net;
using HomeStage.Hosting.Health;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using HomeStage.Hosting.Telemetry;
using HomeStage.Tool.Servers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace HomeStage.Hosting.Tests.Health;

public sealed class ManagementTests
{
    [Fact]
    public async Task Health_and_metrics_are_on_the_management_listener_alone_whatever_host_a_client_names()
    {
        await using var host = await TestHost.StartAsync(service => service.Map(app => app.MapGet("/public", () => "here")));
        var cancel = TestContext.Current.CancellationToken;

        (await host.Management.GetAsync("/health/live", cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await host.Management.GetAsync("/health/ready", cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await host.Management.GetAsync("/public", cancel)).StatusCode.ShouldBe(HttpStatusCode.NotFound);

        foreach (var path in (string[])["/health/live", "/health/ready", "/metrics"])
        {
            var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Host = host.Management.BaseAddress!.Authority } };
            (await host.Client.SendAsync(request, cancel)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        }

        (await host.Client.GetStringAsync("/public", cancel)).ShouldBe("here");
    }

    [Fact]
    public async Task Another_listener_speaks_its_own_protocol_and_has_the_same_routes_with_the_same_rules()
    {
        var url = new Uri($"http://127.0.0.1:{FreePorts.Next()}");
        await using var host = await TestHost.StartAsync(service =>
        {
            service.AddIdentity(callers: ["gateway"]);
            service.AddListener(url, HttpProtocols.Http2);
            service.Map(app => app.MapGet("/public", (HttpContext context) => context.Request.Protocol).AllowAnonymous());
            service.Map(app => app.MapGet("/own", () => "secret"));
        });
        using var client = new HttpClient { BaseAddress = url, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        var cancel = TestContext.Current.CancellationToken;

        (await client.GetStringAsync("/public", cancel)).ShouldBe("HTTP/2");
        (await host.Client.GetStringAsync("/public", cancel)).ShouldBe("HTTP/1.1");
        foreach (var either in (HttpClient[])[client, host.Client])
            (await either.GetAsync("/own", cancel)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await client.GetAsync("/metrics", cancel)).IsSuccessStatusCode.ShouldBeFalse();
    }

    [Fact]
    public async Task A_condition_that_does_not_hold_makes_the_replica_unready_and_says_why()
    {
        await using var host = await TestHost.StartAsync(service =>
            service.AddReadinessCheck(new ReadinessCheck("keys", _ => Task.FromResult<string?>("cannot be read"))));

        var answer = await host.Management.GetAsync("/health/ready", TestContext.Current.CancellationToken);

        answer.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldContain("\"keys\":\"cannot be read\"");
    }

    [Fact]
    public async Task Metrics_are_in_prometheus_text_with_units_and_escaped_labels()
    {
        await using var host = await TestHost.StartAsync(_ => { });
        using var meter = new Meter("HomeStage.Tests");
        meter.CreateCounter<long>("homestage.tests.done", "{thing}", "Things done.").Add(3, new KeyValuePair<string, object?>("what", "a \"b\"\n"));
        meter.CreateHistogram<double>("homestage.tests.duration", "s", "How long.").Record(0.3);

        // The reader starts listening when the host starts; a meter made later is picked up when it publishes.
        var text = await host.Management.GetStringAsync("/metrics", TestContext.Current.CancellationToken);

        text.ShouldContain("# TYPE homestage_tests_done_total counter\nhomestage_tests_done_total{what=\"a \\\"b\\\"\\n\"} 3\n");
        text.ShouldContain("# TYPE homestage_tests_duration_seconds histogram\n");
        text.ShouldContain("homestage_tests_duration_seconds_bucket{le=\"+Inf\"} 1\n");
        text.ShouldContain("homestage_tests_duration_seconds_count 1\n");
    }

    [Fact]
    public async Task A_counter_begins_when_the_service_starts_and_not_with_its_first_burst()
    {
        await using var host = await TestHost.StartAsync(service => service.AddMetrics<UnaskedFor>());

        var text = await host.Management.GetStringAsync("/metrics", TestContext.Current.CancellationToken);

        text.ShouldContain("homestage_tests_refused_total{reason=\"signature\"} 0\n");
    }

    [Fact]
    public async Task Errors_are_problem_details_that_tell_nothing_of_the_inside()
    {
        await using var host = await TestHost.StartAsync(service => service.Map(app =>
        {
            app.MapGet("/broken", string () => throw new InvalidOperationException("the password is hunter2"));
            app.MapGet("/away", string () => throw new TimeoutException("db-7.internal"));
            app.MapGet("/refused", string () => throw new ProblemException(Problem.Invalid("limit", "Use a number from 1 to 100.")));
            app.MapPost("/json", (Posted posted) => TypedResults.Ok(posted));
        }));
        var cancel = TestContext.Current.CancellationToken;

        await ShouldBeAsync(await host.Client.GetAsync("/broken", cancel), 500, "internal_error");
        await ShouldBeAsync(await host.Client.GetAsync("/away", cancel), 503, "unavailable");
        await ShouldBeAsync(await host.Client.GetAsync("/refused", cancel), 400, "validation_failed");
        await ShouldBeAsync(await host.Client.GetAsync("/nowhere", cancel), 404, "not_found");
        await ShouldBeAsync(await host.Client.PutAsync("/broken", null, cancel), 405, "method_not_allowed");
        await ShouldBeAsync(await host.Client.PostAsync("/json", new StringContent("{junk", null, "application/json"), cancel), 400, "validation_failed");
        await ShouldBeAsync(await host.Client.PostAsync("/json", new StringContent("{}", null, "text/plain"), cancel), 415, "unsupported_media_type");
    }

    private static async Task ShouldBeAsync(HttpResponseMessage answer, int status, string code)
    {
        var body = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        ((int)answer.StatusCode).ShouldBe(status, body);
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        body.ShouldContain($"\"code\":\"{code}\"");
        body.ShouldContain("\"traceId\":\"");
        body.ShouldNotContain("hunter2");
        body.ShouldNotContain("internal\"");
        body.ShouldNotContain("Exception");
    }

    private sealed record Posted(string Name);

    private sealed class UnaskedFor
    {
        public UnaskedFor(IMeterFactory meters) =>
            meters.Create("HomeStage.Tests").CreateCounter<long>("homestage.tests.refused").Add(0, new KeyValuePair<string, object?>("reason", "signature"));
    }
}
