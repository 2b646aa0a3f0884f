using System.Net;
using HomeStage.Hosting.Identity;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace HomeStage.Gateway.Tests.Challenges;

public sealed class ChallengeTests : IAsyncDisposable
{
    private const string Secret = "0x4AAAAAAAk7Qm2ZrT9vWc1";

    private readonly FakeVerifier _verifier = new();

    public ValueTask DisposeAsync() => _verifier.DisposeAsync();

    [Fact]
    public async Task Checkout_wants_a_proof_that_is_good_once_and_was_given_here()
    {
        await using var stack = await StartAsync();
        using var client = stack.Client();
        var cookie = (await client.VisitorAsync()).Cookie;

        await (await CheckoutAsync(client, cookie, null)).ShouldBeProblemAsync(HttpStatusCode.Forbidden, "challenge_required");
        await (await CheckoutAsync(client, cookie, "guessed")).ShouldBeProblemAsync(HttpStatusCode.Forbidden, "challenge_failed");
        await (await CheckoutAsync(client, cookie, new string('x', 5000))).ShouldBeProblemAsync(HttpStatusCode.Forbidden, "challenge_failed");
        await (await CheckoutAsync(client, cookie, _verifier.Solve("elsewhere.test"))).ShouldBeProblemAsync(HttpStatusCode.Forbidden, "challenge_failed");
        stack.Billing.Requests.ShouldBeEmpty();

        var answer = _verifier.Solve();
        var received = await (await CheckoutAsync(client, cookie, answer)).EchoAsync();
        received.Headers.ShouldNotContainKey("challenge-response");
        await (await CheckoutAsync(client, cookie, answer)).ShouldBeProblemAsync(HttpStatusCode.Forbidden, "challenge_failed");

        _verifier.Forms.ShouldAllBe(form => form["secret"] == Secret && form["sitekey"] == "site-key" && !form.ContainsKey("remoteip"));
        stack.Logs.Entries.Count(entry => entry.Event == "challenge_failed").ShouldBe(4);
        stack.Logs.Entries.ShouldAllBe(entry => !entry.Message.Contains(answer) && !entry.Message.Contains(Secret));
    }

    [Fact]
    public async Task Staging_api_is_told_where_a_person_has_still_to_be_proven()
    {
        await using var stack = await StartAsync();
        using var client = stack.Client();
        var cookie = (await client.VisitorAsync()).Cookie;

        (await (await SubmitAsync(client, cookie, null)).EchoAsync()).Unproven.ShouldBeTrue();
        (await (await SubmitAsync(client, cookie, _verifier.Solve())).EchoAsync()).Unproven.ShouldBeFalse();
        // Told of each request, not once for the session.
        (await (await SubmitAsync(client, cookie, null)).EchoAsync()).Unproven.ShouldBeTrue();
        await (await SubmitAsync(client, cookie, "guessed")).ShouldBeProblemAsync(HttpStatusCode.Forbidden, "challenge_failed");
        using var read = await client.SendAsync(HttpMethod.Get, "/api/v1/stagings", ("Cookie", cookie));
        (await read.EchoAsync()).Unproven.ShouldBeFalse();
    }

    [Fact]
    public async Task A_key_is_asked_for_no_proof()
    {
        var entitlements = new FakeEntitlements();
        var key = ApiKeyText.Create();
        entitlements.Keys[Convert.ToHexStringLower(ApiKeyText.HashOf(key))] = new { keyId = Guid.CreateVersion7(), accountId = Guid.CreateVersion7(), scopes = (string[])["stagings:write"] };
        await using var stack = await StartAsync(entitlements);
        using var client = stack.Client();

        using var answer = await client.SendAsync(HttpMethod.Post, "/api/v1/stagings", ("Authorization", "Bearer " + key));

        (await answer.EchoAsync()).Unproven.ShouldBeFalse();
        _verifier.Forms.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("""{"success":false,"error-codes":["invalid-input-secret"]}""", 200)]
    [InlineData("""{"success":false,"error-codes":["internal-error"]}""", 200)]
    [InlineData("""{"hostname":"localhost"}""", 200)]
    [InlineData("<html>", 502)]
    [InlineData(null, 0)]
    public async Task A_provider_that_cannot_say_proves_nothing_and_lets_nothing_through(string? reply, int status)
    {
        await using var stack = await StartAsync();
        using var client = stack.Client();
        var cookie = (await client.VisitorAsync()).Cookie;
        _verifier.Says = (reply, status);

        var problem = await (await CheckoutAsync(client, cookie, _verifier.Solve())).ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "challenge_unavailable");

        problem.GetProperty("retryable").GetBoolean().ShouldBeTrue();
        await (await SubmitAsync(client, cookie, _verifier.Solve())).ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "challenge_unavailable");
        stack.Billing.Requests.ShouldBeEmpty();
        stack.StagingApi.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_page_is_told_what_to_put_and_may_load_it()
    {
        await using var stack = await StartAsync();
        using var client = stack.Client();

        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/session");

        var challenge = (await answer.JsonAsync()).GetProperty("challenge");
        (challenge.GetProperty("provider").GetString(), challenge.GetProperty("siteKey").GetString()).ShouldBe(("turnstile", "site-key"));
        var policy = answer.Headers.GetValues("Content-Security-Policy").ShouldHaveSingleItem();
        policy.ShouldContain("script-src 'self' https://challenges.cloudflare.com; frame-src https://challenges.cloudflare.com;");
        policy.ShouldNotContain("unsafe-");
    }

    private async Task<Stack> StartAsync(FakeEntitlements? entitlements = null)
    {
        await _verifier.StartAsync();
        return await Stack.StartAsync(
            (_, settings) =>
            {
                settings["CHALLENGE_PROVIDER"] = "turnstile";
                settings["CHALLENGE_SITE_KEY"] = "site-key";
                settings["CHALLENGE_SECRET"] = Secret;
                settings["CHALLENGE_VERIFY_URL"] = _verifier.Url;
            },
            entitlements: entitlements is null ? null : entitlements.AnswerAsync);
    }

    private static Task<HttpResponseMessage> CheckoutAsync(HttpClient client, string cookie, string? answer) => PostAsync(client, "/api/v1/checkout", cookie, answer);

    private static Task<HttpResponseMessage> SubmitAsync(HttpClient client, string cookie, string? answer) => PostAsync(client, "/api/v1/stagings", cookie, answer);

    private static Task<HttpResponseMessage> PostAsync(HttpClient client, string path, string cookie, string? answer) => client.SendAsync(
        Http.Request(HttpMethod.Post, path, ("Cookie", cookie), ("Origin", Stack.PublicOrigin)).With("Challenge-Response", answer), TestContext.Current.CancellationToken);

    /// <summary>A provider's <c>siteverify</c>, as the three document it: each answer is good once.</summary>
    private sealed class FakeVerifier : IAsyncDisposable
    {
        private readonly System.Collections.Concurrent.ConcurrentDictionary<string, string> _solved = new(StringComparer.Ordinal);
        private WebApplication? _app;

        public string Url => _app!.Urls.First() + "/siteverify";

        public List<Dictionary<string, string>> Forms { get; } = [];

        /// <summary>Says this instead; a null text cuts the connection.</summary>
        public (string? Text, int Status)? Says { get; set; }

        public string Solve(string host = "localhost")
        {
            var answer = Guid.NewGuid().ToString("N");
            _solved[answer] = host;
            return answer;
        }

        public async Task StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            _app = builder.Build();
            _app.Urls.Add("http://127.0.0.1:0");
            _app.MapPost("/siteverify", VerifyAsync);
            await _app.StartAsync();
        }

        public ValueTask DisposeAsync() => _app?.DisposeAsync() ?? default;

        private async Task VerifyAsync(HttpContext context)
        {
            if (Says is { } says)
            {
                if (says.Text is null)
                {
                    context.Abort();
                    return;
                }

                context.Response.StatusCode = says.Status;
                await context.Response.WriteAsync(says.Text);
                return;
            }

            var form = (await context.Request.ReadFormAsync()).ToDictionary(field => field.Key, field => field.Value.ToString(), StringComparer.Ordinal);
            Forms.Add(form);
            object verdict = _solved.TryRemove(form["response"], out var host)
                ? new { success = true, hostname = host }
                : new Dictionary<string, object> { ["success"] = false, ["error-codes"] = (string[])["timeout-or-duplicate"] };
            await context.Response.WriteAsJsonAsync(verdict);
        }
    }
}
