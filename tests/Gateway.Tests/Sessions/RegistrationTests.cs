using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace HomeStage.Gateway.Tests.Sessions;

public sealed class RegistrationTests
{
    private const string Firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";

    [Theory]
    [InlineData("/api/v1/checkout")]
    [InlineData("/api/v1/photos")]
    [InlineData("/api/v1/stagings")]
    public async Task A_session_is_registered_once_before_its_first_costed_use(string path)
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();
        var visitor = await client.VisitorAsync();
        await client.SendAsync(HttpMethod.Get, "/api/v1/stagings", ("Cookie", visitor.Cookie));
        stack.Entitlements.Requests.ShouldBeEmpty();

        for (var i = 0; i < 3; i++)
        {
            using var answer = await client.SendAsync(HttpMethod.Post, path, ("Cookie", visitor.Cookie), ("Origin", Stack.PublicOrigin), ("User-Agent", Firefox));
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        var registration = stack.Entitlements.Requests.ShouldHaveSingleItem();
        registration.Method.ShouldBe("PUT");
        registration.Path.ShouldBe($"/internal/sessions/{visitor.SessionId}");
        registration.Kind.ShouldBe("Service");
        registration.Issuer.ShouldBe("gateway");
        var body = JsonDocument.Parse(registration.Body).RootElement;
        body.GetProperty("accountId").GetGuid().ShouldBe(visitor.AccountId);
        body.GetProperty("kind").GetString().ShouldBe("visitor");
        body.GetProperty("device").GetString().ShouldBe("Firefox on Windows");
    }

    [Fact]
    public async Task Without_entitlements_a_costed_request_is_refused_and_reading_goes_on()
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();
        var visitor = await client.VisitorAsync();
        await stack.Entitlements.DisposeAsync();

        using var submit = await client.SendAsync(HttpMethod.Post, "/api/v1/stagings", ("Cookie", visitor.Cookie), ("Origin", Stack.PublicOrigin));
        using var read = await client.SendAsync(HttpMethod.Get, "/api/v1/stagings", ("Cookie", visitor.Cookie));

        var problem = await submit.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "identity_unavailable");
        problem.GetProperty("retryable").GetBoolean().ShouldBeTrue();
        (await read.EchoAsync()).SessionId.ShouldBe(visitor.SessionId);
        stack.StagingApi.Requests.ShouldNotContain(request => request.Method == "POST");
    }

    [Fact]
    public async Task A_refused_registration_is_tried_again_with_the_next_request()
    {
        var failures = 1;
        await using var stack = await Stack.StartAsync(entitlements: context =>
        {
            if (Interlocked.Decrement(ref failures) < 0)
                return Task.FromResult(false);
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return Task.FromResult(true);
        });
        using var client = stack.Client();
        var visitor = await client.VisitorAsync();

        using var first = await client.SendAsync(HttpMethod.Post, "/api/v1/stagings", ("Cookie", visitor.Cookie), ("Origin", Stack.PublicOrigin));
        using var second = await client.SendAsync(HttpMethod.Post, "/api/v1/stagings", ("Cookie", visitor.Cookie), ("Origin", Stack.PublicOrigin));

        await first.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "identity_unavailable");
        (await second.EchoAsync()).SessionId.ShouldBe(visitor.SessionId);
        stack.Entitlements.Requests.Count.ShouldBe(2);
    }
}
