using System.Net;
using HomeStage.Gateway.Tests.SignIn;
using HomeStage.Hosting;
using HomeStage.Hosting.Configuration;

namespace HomeStage.Gateway.Tests.Bearer;

public sealed class BearerTests(SignInScene scene) : IClassFixture<SignInScene>
{
    private readonly Stack _stack = scene.Stack;
    private readonly FakeProvider _provider = scene.Provider;

    public static TheoryData<string> Forgeries =>
        ["expired", "not yet", "no expiry", "none", "hmac", "audience", "client", "no audience", "issuer", "stranger", "id token", "at_hash", "no subject", "garbage", "cut", "changed"];

    [Theory]
    [InlineData("RS256")]
    [InlineData("ES256")]
    public async Task An_access_token_of_the_provider_speaks_for_its_person_within_its_scopes(string algorithm)
    {
        var subject = Guid.NewGuid().ToString();
        var claims = _provider.AccessClaims(_stack.Time.GetUtcNow(), ("sub", subject), ("scope", "openid stagings:read admin"));
        var token = FakeProvider.Sign(claims, algorithm == "RS256" ? _provider.Rs256 : _provider.Es256, "at+jwt");
        using var client = _stack.Client();
        var visitor = await client.VisitorAsync();

        using var read = await client.SendAsync(HttpMethod.Get, "/api/v1/stagings", ("Authorization", "Bearer " + token), ("Cookie", visitor.Cookie));

        var received = await read.EchoAsync();
        (received.Kind, received.AccountId, received.SessionId).ShouldBe(("Key", scene.Entitlements.Identities[subject], null));
        foreach (var (method, path) in ((HttpMethod, string)[])[(HttpMethod.Post, "/api/v1/stagings"), (HttpMethod.Get, "/api/v1/credits"), (HttpMethod.Post, "/api/v1/checkout"), (HttpMethod.Get, "/api/v1/sessions"), (HttpMethod.Get, "/api/v1/api-keys")])
        {
            using var refused = await client.SendAsync(method, path, ("Authorization", "Bearer " + token), ("Cookie", visitor.Cookie));
            await refused.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "forbidden");
        }
    }

    [Theory]
    [MemberData(nameof(Forgeries))]
    public async Task A_token_that_is_not_for_us_or_not_alive_or_not_the_providers_is_refused(string forgery)
    {
        var now = _stack.Time.GetUtcNow();
        await using var stranger = forgery == "stranger" ? await FakeProvider.StartAsync() : null;
        var good = FakeProvider.Sign(_provider.AccessClaims(now), _provider.Rs256);
        var token = forgery switch
        {
            "expired" => FakeProvider.Sign(_provider.AccessClaims(now, ("exp", now.AddSeconds(-31).ToUnixTimeSeconds())), _provider.Rs256),
            "not yet" => FakeProvider.Sign(_provider.AccessClaims(now, ("nbf", now.AddMinutes(1).ToUnixTimeSeconds())), _provider.Rs256),
            "no expiry" => FakeProvider.Sign(_provider.AccessClaims(now, ("exp", null)), _provider.Rs256),
            "none" => FakeProvider.WithoutSignature(_provider.AccessClaims(now)),
            "hmac" => FakeProvider.Sign(_provider.AccessClaims(now), _provider.PublicKeyAsSecret),
            "audience" => FakeProvider.Sign(_provider.AccessClaims(now, ("aud", "urn:another:api")), _provider.Rs256),
            "client" => FakeProvider.Sign(_provider.AccessClaims(now, ("aud", FakeProvider.ClientId)), _provider.Rs256),
            "no audience" => FakeProvider.Sign(_provider.AccessClaims(now, ("aud", null)), _provider.Rs256),
            "issuer" => FakeProvider.Sign(_provider.AccessClaims(now, ("iss", "https://evil.example")), _provider.Rs256),
            "stranger" => FakeProvider.Sign(_provider.AccessClaims(now), stranger!.Rs256),
            "id token" => FakeProvider.Sign(_provider.IdClaims(now, "n", ("aud", new[] { FakeProvider.ClientId, FakeProvider.Audience })), _provider.Rs256),
            "at_hash" => FakeProvider.Sign(_provider.AccessClaims(now, ("at_hash", "x")), _provider.Rs256),
            "no subject" => FakeProvider.Sign(_provider.AccessClaims(now, ("sub", null)), _provider.Rs256),
            "garbage" => "a.b.c",
            "cut" => good[..^10],
            _ => string.Join('.', good.Split('.')[0], Microsoft.IdentityModel.Tokens.Base64UrlEncoder.Encode("""{"sub":"root"}"""), good.Split('.')[2]),
        };
        using var client = _stack.Client();
        var visitor = await client.VisitorAsync();

        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/stagings", ("Authorization", "Bearer " + token), ("Cookie", visitor.Cookie));

        await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "unauthenticated");
        answer.SetCookie().ShouldBeNull();
    }

    [Fact]
    public async Task A_token_ends_with_its_time_also_where_it_was_found_good_before()
    {
        await using var stack = await Stack.StartAsync((_, settings) => _provider.Configure(settings), entitlements: scene.Entitlements.AnswerAsync);
        using var client = stack.Client();
        var token = FakeProvider.Sign(_provider.AccessClaims(stack.Time.GetUtcNow(), ("exp", stack.Time.GetUtcNow().AddSeconds(40).ToUnixTimeSeconds())), _provider.Rs256);
        using (var good = await client.SendAsync(HttpMethod.Get, "/api/v1/stagings", ("Authorization", "Bearer " + token)))
            good.StatusCode.ShouldBe(HttpStatusCode.OK);

        stack.Time.Advance(TimeSpan.FromSeconds(41));

        using var over = await client.SendAsync(HttpMethod.Get, "/api/v1/stagings", ("Authorization", "Bearer " + token));
        over.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_new_key_of_the_provider_is_fetched_but_not_more_than_each_five_minutes()
    {
        await using var provider = await FakeProvider.StartAsync();
        await using var stack = await Stack.StartAsync((_, settings) => provider.Configure(settings), entitlements: scene.Entitlements.AnswerAsync);
        using var client = stack.Client();
        async Task<HttpStatusCode> CallAsync()
        {
            var token = FakeProvider.Sign(provider.AccessClaims(stack.Time.GetUtcNow(), ("jti", Guid.NewGuid().ToString())), provider.Rs256);
            using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/stagings", ("Authorization", "Bearer " + token));
            return answer.StatusCode;
        }

        (await CallAsync()).ShouldBe(HttpStatusCode.OK);
        provider.KeyId = "rsa-2";
        for (var i = 0; i < 20; i++)
            (await CallAsync()).ShouldBe(HttpStatusCode.Unauthorized);
        provider.Descriptions.ShouldBe(1);
        stack.Time.Advance(TimeSpan.FromMinutes(5));
        (await CallAsync()).ShouldBe(HttpStatusCode.OK);
        provider.Descriptions.ShouldBe(2);
    }

    [Fact]
    public async Task Whoever_leaves_while_the_keys_are_fetched_keeps_them_from_nobody()
    {
        await using var provider = await FakeProvider.StartAsync();
        await using var stack = await Stack.StartAsync((_, settings) => provider.Configure(settings), entitlements: scene.Entitlements.AnswerAsync);
        using var client = stack.Client();
        async Task<HttpStatusCode> CallAsync(CancellationToken cancel)
        {
            var token = FakeProvider.Sign(provider.AccessClaims(stack.Time.GetUtcNow(), ("jti", Guid.NewGuid().ToString())), provider.Rs256);
            using var answer = await client.SendAsync(Http.Request(HttpMethod.Get, "/api/v1/stagings", ("Authorization", "Bearer " + token)), cancel);
            return answer.StatusCode;
        }

        (await CallAsync(TestContext.Current.CancellationToken)).ShouldBe(HttpStatusCode.OK);
        provider.KeyId = "rsa-2";
        stack.Time.Advance(TimeSpan.FromMinutes(5));
        var answering = new TaskCompletionSource();
        provider.Answering = answering.Task;
        using (var leaving = new CancellationTokenSource())
        {
            var call = CallAsync(leaving.Token);
            await Eventually.Async(() => provider.Descriptions == 2, "the keys are being fetched");
            await leaving.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(call);
        }

        answering.SetResult();

        (await CallAsync(TestContext.Current.CancellationToken)).ShouldBe(HttpStatusCode.OK);
        provider.Descriptions.ShouldBe(2);
    }

    [Fact]
    public async Task Without_entitlements_a_good_token_is_not_called_bad()
    {
        await using var stack = await Stack.StartAsync((_, settings) => _provider.Configure(settings), entitlements: scene.Entitlements.AnswerAsync);
        using var client = stack.Client();
        await stack.Entitlements.DisposeAsync();

        using var answer = await client.SendAsync(
            HttpMethod.Get, "/api/v1/stagings", ("Authorization", "Bearer " + FakeProvider.Sign(_provider.AccessClaims(stack.Time.GetUtcNow()), _provider.Rs256)));

        await answer.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "identity_unavailable");
    }

    [Theory]
    [InlineData("SIGN_IN_FAKE_AUDIENCE", FakeProvider.ClientId, "SIGN_IN_FAKE_AUDIENCE must not be the client id")]
    [InlineData("SIGN_IN_FAKE_ISSUER", "http://provider.example", "SIGN_IN_FAKE_ISSUER must be https")]
    [InlineData("SIGN_IN_FAKE_CLIENT_ID", null, "SIGN_IN_FAKE_CLIENT_ID is missing")]
    [InlineData("SIGN_IN_FAKE_CLIENT_SECRET", null, "SIGN_IN_FAKE_CLIENT_SECRET is missing")]
    [InlineData("SIGN_IN_FAKE_SCOPES", "email", "SIGN_IN_FAKE_SCOPES must contain openid")]
    public async Task A_provider_that_makes_no_sense_stops_the_start(string name, string? value, string sentence)
    {
        var settings = new Dictionary<string, string>(_stack.Settings, StringComparer.Ordinal);
        if (value is null)
            settings.Remove(name);
        else
            settings[name] = value;

        var error = await Should.ThrowAsync<SettingsException>(() => ServiceHost.StartAsync("gateway", settings, GatewayService.Compose));

        error.Problems.ShouldContain(problem => problem.StartsWith(sentence));
    }
}
