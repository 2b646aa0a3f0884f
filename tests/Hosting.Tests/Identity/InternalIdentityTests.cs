using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using HomeStage.Hosting.Identity;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HomeStage.Hosting.Tests.Identity;

public sealed class InternalIdentityTests
{
    private static readonly Caller Visitor = new()
    {
        Issuer = "ignored",
        AccountId = Guid.CreateVersion7(),
        Kind = CallerKind.Visitor,
        SessionId = Guid.CreateVersion7(),
        AddressHash = "hash",
        Scopes = ["credits:read"],
    };

    [Fact]
    public async Task A_token_of_the_caller_carries_everything_to_the_endpoint()
    {
        await using var host = await StartAsync();

        var seen = await (await GetAsync(host, "/who", host.Issuer().Issue("billing", Visitor))).Content.ReadFromJsonAsync<Caller>(TestContext.Current.CancellationToken);

        seen!.AccountId.ShouldBe(Visitor.AccountId);
        seen.Kind.ShouldBe(CallerKind.Visitor);
        seen.SessionId.ShouldBe(Visitor.SessionId);
        seen.AddressHash.ShouldBe("hash");
        seen.Scopes.ShouldBe(["credits:read"]);
        seen.Issuer.ShouldBe("gateway");
    }

    [Fact]
    public async Task Without_a_token_nothing_is_reached()
    {
        await using var host = await StartAsync();

        var answer = await host.Client.GetAsync("/who", TestContext.Current.CancellationToken);

        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldContain("\"code\":\"unauthenticated\"");
    }

    [Fact]
    public async Task A_token_for_another_service_is_refused()
    {
        await using var host = await StartAsync();

        (await GetAsync(host, "/who", host.Issuer().Issue("entitlements", Visitor))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_caller_may_have_two_keys_while_one_is_changed()
    {
        using var next = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await using var host = await StartAsync(callerKeys: new() { ["gateway.next.pem"] = next });

        (await GetAsync(host, "/who", host.Issuer().Issue("billing", Visitor))).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await GetAsync(host, "/who", host.Issuer(key: next).Issue("billing", Visitor))).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_token_of_a_stranger_is_refused_whatever_issuer_it_names()
    {
        await using var host = await StartAsync();
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        (await GetAsync(host, "/who", host.Issuer(key: stranger).Issue("billing", Visitor))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await GetAsync(host, "/who", host.Issuer(name: "staging-worker").Issue("billing", Visitor))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_token_is_good_for_its_lifetime_and_the_skew_and_no_longer()
    {
        await using var host = await StartAsync();

        (await GetAsync(host, "/who", host.Issuer(time: new ClockAt(DateTimeOffset.UtcNow.AddSeconds(-140))).Issue("billing", Visitor))).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await GetAsync(host, "/who", host.Issuer(time: new ClockAt(DateTimeOffset.UtcNow.AddSeconds(-160))).Issue("billing", Visitor))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await GetAsync(host, "/who", host.Issuer(time: new ClockAt(DateTimeOffset.UtcNow.AddSeconds(60))).Issue("billing", Visitor))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_token_that_was_good_is_refused_once_its_time_is_over()
    {
        var clock = new MovingClock();
        await using var host = await StartAsync(clock);
        var token = host.Issuer(time: clock).Issue("billing", Visitor);

        (await GetAsync(host, "/who", token)).StatusCode.ShouldBe(HttpStatusCode.OK);
        clock.Ahead = TimeSpan.FromSeconds(149);
        (await GetAsync(host, "/who", token)).StatusCode.ShouldBe(HttpStatusCode.OK);
        clock.Ahead = TimeSpan.FromSeconds(151);
        (await GetAsync(host, "/who", token)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_token_of_our_own_is_used_for_half_of_its_life()
    {
        var clock = new MovingClock();
        await using var host = await StartAsync();
        var issuer = host.Issuer(time: clock);

        var first = issuer.IssueForSelf("billing");
        clock.Ahead = TimeSpan.FromSeconds(59);
        issuer.IssueForSelf("billing").ShouldBe(first);
        issuer.IssueForSelf("entitlements").ShouldNotBe(first);
        clock.Ahead = TimeSpan.FromSeconds(61);
        issuer.IssueForSelf("billing").ShouldNotBe(first);
    }

    [Fact]
    public async Task Unsigned_tokens_and_those_signed_with_the_public_key_as_a_secret_are_refused()
    {
        await using var host = await StartAsync();
        var claims = new Dictionary<string, object> { ["sub"] = Guid.NewGuid().ToString(), ["kind"] = "member" };
        var handler = new JsonWebTokenHandler();
        var descriptor = new SecurityTokenDescriptor { Issuer = "gateway", Audience = "billing", Expires = DateTime.UtcNow.AddMinutes(1), Claims = claims };

        (await GetAsync(host, "/who", handler.CreateToken(descriptor))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);

        descriptor.SigningCredentials = new SigningCredentials(new SymmetricSecurityKey(host.CallerKey.ExportSubjectPublicKeyInfo()), SecurityAlgorithms.HmacSha256);
        (await GetAsync(host, "/who", handler.CreateToken(descriptor))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_route_for_one_caller_refuses_the_others()
    {
        await using var host = await StartAsync();

        (await GetAsync(host, "/internal", host.Issuer().IssueForSelf("billing"))).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task A_token_without_an_account_is_nobody()
    {
        await using var host = await StartAsync();

        (await GetAsync(host, "/who", host.Issuer().Issue("billing", Visitor with { AccountId = Guid.Empty }))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    private static Task<TestHost> StartAsync(TimeProvider? time = null, Dictionary<string, ECDsa>? callerKeys = null) => TestHost.StartAsync(service =>
    {
        if (time is not null)
            service.Services.AddSingleton(time);
        service.AddIdentity(callers: ["gateway"]);
        service.Map(app =>
        {
            app.MapGet("/who", (Caller caller) => TypedResults.Ok(caller)).RequireCaller("gateway");
            app.MapGet("/internal", () => TypedResults.Ok()).RequireCaller("staging-api");
        });
    }, callerKeys: callerKeys);

    private static Task<HttpResponseMessage> GetAsync(TestHost host, string path, string token)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) } };
        return host.Client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private sealed class ClockAt(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }

    private sealed class MovingClock : TimeProvider
    {
        private readonly DateTimeOffset _start = DateTimeOffset.UtcNow;

        public TimeSpan Ahead { get; set; }

        // Stands still else, so that a busy machine does not cross a limit.
        public override DateTimeOffset GetUtcNow() => _start + Ahead;
    }
}
