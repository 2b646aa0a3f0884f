using System.Net;
using HomeStage.Hosting.Problems;
using HomeStage.Hosting.Support;
using HomeStage.Tool.Servers;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace HomeStage.Hosting.Tests.Support;

public sealed class SupportListenerTests
{
    [Fact]
    public async Task Support_routes_are_on_the_support_listener_alone_whatever_host_a_client_names()
    {
        var url = new Uri($"http://127.0.0.1:{FreePorts.Next()}");
        await using var host = await TestHost.StartAsync(
            service =>
            {
                service.Services.AddAuthorization();
                service.AddSupportListener();
                service.MapSupport(routes => routes.MapGet("/support/here", () => "here"));
                service.MapSupport(routes => routes.MapGet("/support/refused", string () => throw new ProblemException(Problem.Result(ProblemCode.Conflict))));
                service.Map(app => app.MapGet("/public", () => "public"));
            },
            new Dictionary<string, string>(StringComparer.Ordinal) { ["SUPPORT_URL"] = url.ToString() });
        using var support = new HttpClient { BaseAddress = url };
        var cancel = TestContext.Current.CancellationToken;

        (await support.GetStringAsync("/support/here", cancel)).ShouldBe("here");
        foreach (var path in (string[])["/public", "/health/live", "/metrics"])
            (await support.GetAsync(path, cancel)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        foreach (var other in (HttpClient[])[host.Client, host.Management])
        {
            var request = new HttpRequestMessage(HttpMethod.Get, "/support/here") { Headers = { Host = url.Authority } };
            (await other.SendAsync(request, cancel)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        }

        var refused = await support.GetAsync("/support/refused", cancel);
        (refused.StatusCode, refused.Content.Headers.ContentType?.MediaType).ShouldBe((HttpStatusCode.Conflict, "application/problem+json"));
    }
}
