using System.Net;
using HomeStage.Gateway.ApiKeys;
using HomeStage.Hosting.Identity;
using Microsoft.Extensions.DependencyInjection;

namespace HomeStage.Gateway.Tests.ApiKeys;

public sealed class ApiKeyTests(SharedRedis redis)
{
    private readonly FakeEntitlements _entitlements = new();
    private readonly string _key = ApiKeyText.Create();
    private readonly Guid _keyId = Guid.CreateVersion7();
    private readonly Guid _account = Guid.CreateVersion7();

    public static TheoryData<string, string, string?> Routes => new()
    {
        { "GET", "/api/v1/stagings", "stagings:read" },
        { "GET", "/api/v1/stagings/1", "stagings:read" },
        { "GET", "/api/v1/stagings/1/images/1", "stagings:read" },
        { "GET", "/api/v1/stagings/1/events", "stagings:read" },
        { "GET", "/api/v1/events", "stagings:read" },
        { "GET", "/api/v1/listings", "stagings:read" },
        { "GET", "/api/v1/listings/1/events", "stagings:read" },
        { "GET", "/api/v1/listings/1/results.zip", "stagings:read" },
        { "POST", "/api/v1/listings", "stagings:write" },
        { "POST", "/api/v1/listings/1/cancel", "stagings:write" },
        { "DELETE", "/api/v1/listings/1", "stagings:write" },
        { "POST", "/api/v1/stagings", "stagings:write" },
        { "POST", "/api/v1/photos", "stagings:write" },
        { "POST", "/api/v1/stagings/1/cancel", "stagings:write" },
        { "DELETE", "/api/v1/stagings/1", "stagings:write" },
        { "GET", "/api/v1/credits", "credits:read" },
        { "GET", "/api/v1/credits/entries", "credits:read" },
        { "GET", "/api/v1/webhook-endpoints", "webhooks:read" },
        { "GET", "/api/v1/webhook-endpoints/1/deliveries", "webhooks:read" },
        { "POST", "/api/v1/webhook-endpoints", "webhooks:write" },
        { "PATCH", "/api/v1/webhook-endpoints/1", "webhooks:write" },
        { "POST", "/api/v1/webhook-endpoints/1/rotate-secret", "webhooks:write" },
        { "POST", "/api/v1/credits", null },
        { "POST", "/api/v1/checkout", null },
        { "GET", "/api/v1/orders", null },
        { "GET", "/api/v1/sessions", null },
        { "DELETE", "/api/v1/sessions", null },
        { "GET", "/api/v1/api-keys", null },
        { "POST", "/api/v1/api-keys", null },
        { "DELETE", "/api/v1/api-keys/1", null },
    };

    [Fact]
    public async Task Every_route_asks_a_key_for_its_scope_and_refuses_it_where_there_is_none()
    {
        await using var stack = await StartAsync();
        using var client = stack.Client();
        foreach (var route in Routes)
        {
            var (method, path, scope) = route.Data;
            foreach (var granted in (string[])["stagings:read", "stagings:write", "credits:read", "webhooks:read", "webhooks:write"])
            {
                var key = AddKey([granted]);
                using var answer = await client.SendAsync(new HttpMethod(method), path, ("Authorization", "Bearer " + key));
                if (granted == scope)
                    (await answer.EchoAsync()).Kind.ShouldBe("Key", $"{method} {path} with {granted}");
                else
                    await answer.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "forbidden");
            }
        }
    }

    [Fact]
    public async Task A_key_names_its_account_ignores_the_cookie_and_needs_no_origin()
    {
        await using var stack = await StartAsync();
        using var client = stack.Client();
        var visitor = await client.VisitorAsync();

        using var answer = await client.SendAsync(HttpMethod.Post, "/api/v1/stagings", ("Authorization", "Bearer " + _key), ("Cookie", visitor.Cookie));

        var received = await answer.EchoAsync();
        (received.Kind, received.AccountId, received.SessionId).ShouldBe(("Key", _account, null));
        var token = new Microsoft.IdentityModel.JsonWebTokens.JsonWebToken(received.Headers["authorization"]["Bearer ".Length..]);
        token.GetPayloadValue<string>("key").ShouldBe(_keyId.ToString());
        token.GetPayloadValue<string>("scope").ShouldBe("stagings:write stagings:read");
        answer.SetCookie().ShouldBeNull();
        // The key itself went nowhere.
        var secret = _key[8..30];
        _entitlements.Asked.ShouldAllBe(asked => !asked.Body.ToString().Contains(secret));
        stack.StagingApi.Requests.ShouldAllBe(request => request.Headers.All(header => !header.Value.Contains(secret)));
        stack.Logs.Entries.ShouldAllBe(entry => !entry.Message.Contains(secret));
    }

    [Fact]
    public async Task Two_keys_of_one_account_are_told_apart_however_alike_they_are()
    {
        await using var stack = await StartAsync();
        using var client = stack.Client();
        foreach (var (key, id) in ((string, Guid)[])[(_key, _keyId), (ApiKeyText.Create(), Guid.CreateVersion7()), (_key, _keyId)])
        {
            Register(key, id, ["stagings:write", "stagings:read"]);
            using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/stagings", ("Authorization", "Bearer " + key));
            var token = new Microsoft.IdentityModel.JsonWebTokens.JsonWebToken((await answer.EchoAsync()).Headers["authorization"]["Bearer ".Length..]);
            token.GetPayloadValue<string>("key").ShouldBe(id.ToString());
        }
    }

    [Fact]
    public async Task A_key_is_looked_up_each_half_minute_and_a_revocation_is_obeyed_at_once()
    {
        await using var stack = await StartAsync();
        using var client = stack.Client();
        for (var i = 0; i < 5; i++)
            (await CallAsync(client, _key)).ShouldBe(HttpStatusCode.OK);
        Lookups.ShouldBe(1);
        stack.Time.Advance(TimeSpan.FromSeconds(30));
        (await CallAsync(client, _key)).ShouldBe(HttpStatusCode.OK);
        Lookups.ShouldBe(2);

        stack.Entitlements.Revoked.Enqueue(_keyId);
        await Eventually.Async(async () => await CallAsync(client, _key) == HttpStatusCode.Unauthorized, "the key is refused");
        Lookups.ShouldBe(2);
    }

    [Fact]
    public async Task What_is_no_key_is_asked_of_nobody_and_unknown_keys_are_asked_once_and_counted()
    {
        await using var stack = await StartAsync();
        using var client = stack.Client();
        foreach (var text in (string[])["hs_live_", "hs_live_" + new string('A', 46), _key[..^1], _key[..^1] + (_key[^1] == 'A' ? 'B' : 'A'), _key.ToUpperInvariant(), _key + "A"])
            (await CallAsync(client, text)).ShouldBe(HttpStatusCode.Unauthorized);
        Lookups.ShouldBe(0);

        var unknown = ApiKeyText.Create();
        for (var i = 0; i < 5; i++)
            (await CallAsync(client, unknown)).ShouldBe(HttpStatusCode.Unauthorized);
        Lookups.ShouldBe(1);

        for (var i = 1; i < 30; i++)
            (await CallAsync(client, ApiKeyText.Create())).ShouldBe(HttpStatusCode.Unauthorized);
        using var tooMany = await client.SendAsync(HttpMethod.Get, "/api/v1/stagings", ("Authorization", "Bearer " + ApiKeyText.Create()));
        await tooMany.ShouldBeProblemAsync(HttpStatusCode.TooManyRequests, "rate_limited");
        tooMany.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromMinutes(1));
        Lookups.ShouldBe(30);
        stack.Time.Advance(TimeSpan.FromMinutes(1));
        (await CallAsync(client, _key)).ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Whoever_does_not_wait_for_the_answer_has_guessed_all_the_same()
    {
        var asked = new SemaphoreSlim(0);
        var answering = new TaskCompletionSource();
        await using var stack = await Stack.StartAsync(entitlements: async context =>
        {
            asked.Release();
            await answering.Task.WaitAsync(context.RequestAborted);
            return await _entitlements.AnswerAsync(context);
        });
        using var client = stack.Client();
        using var leaving = new CancellationTokenSource();
        var guesses = Enumerable.Range(0, ApiKeyResolver.MostMisses)
            .Select(_ => client.SendAsync(Http.Request(HttpMethod.Get, "/api/v1/stagings", ("Authorization", "Bearer " + ApiKeyText.Create())), leaving.Token)).ToList();
        foreach (var _ in guesses)
            await asked.WaitAsync(TestContext.Current.CancellationToken);
        await leaving.CancelAsync();
        foreach (var guess in guesses)
            await Should.ThrowAsync<OperationCanceledException>(guess);
        answering.SetResult();

        await Eventually.Async(() => Lookups == ApiKeyResolver.MostMisses, "all of them were answered");
        await Eventually.Async(async () => await CallAsync(client, ApiKeyText.Create()) == HttpStatusCode.TooManyRequests, "no more are looked up");
    }

    [Fact]
    public async Task Without_entitlements_a_key_is_unavailable_and_never_refused_or_let_in()
    {
        await using var stack = await StartAsync();
        using var client = stack.Client();
        _entitlements.Away = true;

        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/stagings", ("Authorization", "Bearer " + _key));

        await answer.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "identity_unavailable");
        _entitlements.Away = false;
        (await CallAsync(client, _key)).ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_key_has_the_limit_that_its_owner_gave_it_and_others_do_not()
    {
        var slow = ApiKeyText.Create();
        _entitlements.Keys[Convert.ToHexStringLower(ApiKeyText.HashOf(slow))] = new { keyId = Guid.CreateVersion7(), accountId = _account, scopes = (string[])["stagings:read"], requestsPerMinute = 3 };
        Register(_key, _keyId, ["stagings:read"]);
        await using var stack = await Stack.StartAsync(
            (_, settings) =>
            {
                settings["LIMITS"] = "on";
                settings["REDIS_CONNECTION"] = redis.Connection;
                settings["LIMIT_API"] = "6000/min burst 6000";
            },
            entitlements: _entitlements.AnswerAsync);
        using var client = stack.Client();

        for (var i = 0; i < 3; i++)
            (await CallAsync(client, slow)).ShouldBe(HttpStatusCode.OK);
        (await CallAsync(client, slow)).ShouldBe(HttpStatusCode.TooManyRequests);
        (await CallAsync(client, _key)).ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Use_is_told_when_the_gateway_stops()
    {
        await using var stack = await StartAsync();
        using (var client = stack.Client())
        {
            for (var i = 0; i < 3; i++)
                await CallAsync(client, _key);
        }

        await stack.StopGatewayAsync();

        var said = _entitlements.Asked.Single(asked => asked.Path == "/internal/api-keys/usage").Body["counts"]!.AsArray().ShouldHaveSingleItem()!;
        ((Guid)said["keyId"]!, (int)said["requests"]!).ShouldBe((_keyId, 3));
    }

    [Fact]
    public async Task A_stop_waits_for_use_that_is_being_told()
    {
        Register(_key, _keyId, ["stagings:read"]);
        var (told, answered) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var stack = await Stack.StartAsync(entitlements: async context =>
        {
            if (context.Request.Path == "/internal/api-keys/usage")
            {
                told.TrySetResult();
                await answered.Task.WaitAsync(context.RequestAborted);
            }

            return await _entitlements.AnswerAsync(context);
        });
        using var client = stack.Client();
        await CallAsync(client, _key);
        stack.Time.Advance(TimeSpan.FromSeconds(30));
        await told.Task.WaitAsync(TestContext.Current.CancellationToken);

        var stop = stack.Gateway.Services.GetRequiredService<KeyUsage>().StopAsync(TestContext.Current.CancellationToken);
        answered.SetResult();
        await stop;

        var said = _entitlements.Asked.Single(asked => asked.Path == "/internal/api-keys/usage").Body["counts"]!.AsArray().ShouldHaveSingleItem()!;
        ((Guid)said["keyId"]!, (int)said["requests"]!).ShouldBe((_keyId, 1));
    }

    private int Lookups => _entitlements.Asked.Count(asked => asked.Path == "/internal/api-keys/resolve");

    private async Task<Stack> StartAsync()
    {
        Register(_key, _keyId, ["stagings:write", "stagings:read"]);
        return await Stack.StartAsync(entitlements: _entitlements.AnswerAsync);
    }

    private string AddKey(string[] scopes)
    {
        var key = ApiKeyText.Create();
        Register(key, Guid.CreateVersion7(), scopes);
        return key;
    }

    private void Register(string key, Guid id, string[] scopes) =>
        _entitlements.Keys[Convert.ToHexStringLower(ApiKeyText.HashOf(key))] = new { keyId = id, accountId = _account, scopes };

    private static async Task<HttpStatusCode> CallAsync(HttpClient client, string key)
    {
        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/stagings", ("Authorization", "Bearer " + key));
        return answer.StatusCode;
    }
}
