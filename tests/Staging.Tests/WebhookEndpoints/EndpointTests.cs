using System.Collections.Concurrent;
using System.Security.Cryptography;
using HomeStage.Contracts;
using HomeStage.Hosting.Configuration;
using HomeStage.Staging.WebhookEndpoints;
using HomeStage.Testing;
using HomeStage.Tool;
using HomeStage.Tool.Servers;
using Microsoft.Extensions.Configuration;
using Npgsql;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.WebhookEndpoints;

public sealed class EndpointTests(ReceiverFixture fixture) : IClassFixture<ReceiverFixture>
{
    private const string Local = "http://127.0.0.1:1/";

    private readonly StagingApp _app = fixture.App;

    [Fact]
    public async Task An_endpoint_is_made_read_changed_and_deleted_and_its_secret_is_told_once()
    {
        var member = Member();

        var made = await member.TryMakeAsync(new { url = Local, eventTypes = (string[])["staging.succeeded"], description = " our uploader " }, key: "k");
        var again = await member.TryMakeAsync(new { url = Local, eventTypes = (string[])["staging.succeeded"], description = " our uploader " }, key: "k");
        var different = await member.TryMakeAsync(new { url = Local, eventTypes = (string[])["staging.failed"] }, key: "k");
        var self = made.Self();
        var read = await member.GetAsync(self);
        var changed = await member.ChangeAsync(self, new { eventTypes = (string[])["staging.failed", "credits.changed"], enabled = false, description = "" });
        var listed = await member.GetAsync(Customer.Endpoints);
        var types = await member.GetAsync(Customer.Endpoints + "/event-types");
        var deleted = await member.SendAsync(HttpMethod.Delete, self);

        (made.Status, made.Response.Headers.Location!.ToString(), made.Text("description"), (bool)made.Body!["enabled"]!).ShouldBe((201, self, "our uploader", true));
        made.Text("secret").ShouldMatch("^whsec_[A-Za-z0-9+/]{43}=$");
        (again.Status, again.Text("id"), again.Body!["secret"]).ShouldBe((201, made.Text("id"), null));
        different.Code.ShouldBe("idempotency_conflict");
        (read.Text("url"), read.Body!["secret"]).ShouldBe((Local, null));
        (changed.Body!["description"], (bool)changed.Body["enabled"]!, changed.Text("disabledReason")).ShouldBe((null, false, "owner"));
        changed.Body["eventTypes"]!.ToJsonString().ShouldBe("""["staging.failed","credits.changed"]""");
        listed.Body!["items"]!.AsArray().ShouldHaveSingleItem()!["id"]!.ToString().ShouldBe(made.Text("id"));
        types.Body!["items"]!.AsArray().Select(type => (string)type!["type"]!).ShouldBe(Customer.All);
        (deleted.Status, (await member.GetAsync(self)).Status, (await member.SendAsync(HttpMethod.Delete, self)).Status).ShouldBe((204, 404, 404));
    }

    [Fact]
    public async Task As_many_at_once_as_there_are_connections_are_made_one_after_the_other()
    {
        const int pool = 20;
        var member = Member();
        await using var first = await _app.Admin.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var turn = await first.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var taken = new NpgsqlCommand($"select pg_advisory_xact_lock(hashtextextended('webhook-endpoints {member.Account}', 0))", first, turn))
            await taken.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        var making = Task.WhenAll(Enumerable.Range(0, pool).Select(_ => member.TryMakeAsync(new { url = Local, eventTypes = Customer.All }, key: "same")));
        await Eventually.Async(
            async () => await _app.CountAsync("pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())") == pool,
            "all connections wait for their turn");
        await turn.CommitAsync(TestContext.Current.CancellationToken);

        var made = await making;
        made.ShouldAllBe(answer => answer.Status == 201);
        made.Select(answer => answer.Text("id")).Distinct().ShouldHaveSingleItem();
    }

    // The library compares the time with its own clock, which is why nothing here moves that of the service.
    [Fact]
    public async Task A_webhook_is_verified_by_the_standards_own_library_also_while_its_secret_is_rotated()
    {
        var (member, lines) = (Member(), new ConcurrentQueue<string>());
        var url = $"http://127.0.0.1:{FreePorts.Next()}/";
        using var node = await NodeProgram.StartAsync(Path.Combine(SourceTree.Root, "tests", "npm", "standardwebhooks.mjs"), lines.Enqueue, $"{new Uri(url).Port}");
        using var http = new HttpClient();
        var endpoint = await member.MakeAsync(url);
        await Eventually.Async(async () => await KnowsAsync(endpoint), "the receiver has the secret");

        await member.SucceededAsync(_app);
        await Eventually.Async(() => lines.Count(line => line.StartsWith("ok staging.", StringComparison.Ordinal)) == 3, "the staging is told");
        var rotated = await member.PostAsync(endpoint.Self() + "/rotate-secret");
        var withOld = await member.PingAsync(endpoint.Self());
        await Eventually.Async(() => lines.Contains($"ok ping {withOld}"), "a delivery is verified with the secret from before");
        (await KnowsAsync(rotated)).ShouldBeTrue();
        var withNew = await member.PingAsync(endpoint.Self());
        await Eventually.Async(() => lines.Contains($"ok ping {withNew}"), "a delivery is verified with the new secret");
        (await KnowsAsync(await member.MakeAsync(Local))).ShouldBeTrue();
        await member.PingAsync(endpoint.Self());
        await Eventually.Async(() => lines.Any(line => line.StartsWith("refused", StringComparison.Ordinal)), "a delivery is refused with another endpoint's secret");

        rotated.Text("secret").ShouldNotBe(endpoint.Text("secret"));
        lines.Where(line => line.StartsWith("ok", StringComparison.Ordinal)).Select(line => line.Split(' ')[1]).Order()
            .ShouldBe(["ping", "ping", "staging.queued", "staging.running", "staging.succeeded"]);
        node.Kill();

        async Task<bool> KnowsAsync(Answer made) => (await http.PutAsync(url, new StringContent(made.Text("secret")), TestContext.Current.CancellationToken)).IsSuccessStatusCode;
    }

    [Fact]
    public async Task Bad_input_has_codes_of_its_own_and_leaves_nothing()
    {
        var member = Member();
        string[] types = ["staging.succeeded"];
        foreach (var (url, reason) in ((string, string)[])[
            ("hooks.example.com", "malformed"), ("https://", "malformed"), ("https://hooks.example.com/#part", "malformed"), ("https://hooks.example.com/" + new string('a', 2048), "malformed"),
            ("ftp://hooks.example.com/", "not_https"), ("https://me:secret@hooks.example.com/", "credentials"),
            ("https://192.168.1.1/", "private_address"), ("https://[::1]/", "private_address"), ("https://0x0a000001/", "private_address"), ("https://0.0.0.0/", "private_address"),
            ("http://8.8.8.8/", "private_address"), ("https://no-such-name.invalid/", "unresolvable")])
        {
            var refused = await member.TryMakeAsync(new { url, eventTypes = types });
            (refused.Status, refused.Code, refused.Text("reason")).ShouldBe((422, "webhook_url_rejected", reason), url);
        }

        var unknown = await member.TryMakeAsync(new { url = Local, eventTypes = (string[])["staging.succeeded", "staging.eaten"] });
        (unknown.Status, unknown.Code, unknown.Body!["unknown"]!.ToJsonString()).ShouldBe((400, "unknown_event_type", """["staging.eaten"]"""));
        foreach (var (form, field) in ((object, string)[])[
            (new { url = Local }, "eventTypes"), (new { url = Local, eventTypes = (string[])[] }, "eventTypes"), (new { url = Local, eventTypes = (string[])["credits.changed", "credits.changed"] }, "eventTypes"),
            (new { eventTypes = types }, "url"), (new { url = Local, eventTypes = types, description = new string('a', 201) }, "description"), (new { url = 1, eventTypes = types }, "body")])
        {
            var refused = await member.TryMakeAsync(form);
            (refused.Status, refused.Code, refused.Body!["errors"]![field] is not null).ShouldBe((400, "validation_failed", true), field);
        }

        (await member.SendAsync(HttpMethod.Post, Customer.Endpoints, new StringContent("url=1"))).Code.ShouldBe("unsupported_media_type");
        var refusedKey = await member.TryMakeAsync(new { url = "https://10.0.0.1/", eventTypes = types }, key: "refused");
        (await member.TryMakeAsync(new { url = "https://10.0.0.1/", eventTypes = types }, key: "refused")).Text("reason").ShouldBe(refusedKey.Text("reason"));
        (await member.GetAsync(Customer.Endpoints)).Body!["items"]!.AsArray().ShouldBeEmpty();
    }

    [Fact]
    public async Task An_account_has_ten_endpoints_at_most_also_when_many_are_made_at_once()
    {
        var member = Member();

        var answers = await Task.WhenAll(Enumerable.Range(0, 13).Select(_ => member.TryMakeAsync(new { url = Local, eventTypes = (string[])["staging.succeeded"] })));

        answers.Count(answer => answer.Status == 201).ShouldBe(WebhookEndpoint.MostOfAccount);
        answers.Where(answer => answer.Status != 201).ShouldAllBe(answer => answer.Status == 409 && answer.Code == "webhook_limit_reached");
    }

    [Fact]
    public async Task The_last_endpoint_that_an_account_may_have_is_the_answer_to_each_of_the_same_requests()
    {
        var member = Member();
        for (var made = 1; made < WebhookEndpoint.MostOfAccount; made++)
            await member.MakeAsync(Local);

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => member.TryMakeAsync(new { url = Local, eventTypes = Customer.All }, key: "last")));
        var again = await member.TryMakeAsync(new { url = Local, eventTypes = Customer.All }, key: "last");

        answers.Append(again).ShouldAllBe(answer => answer.Status == 201);
        answers.Append(again).Select(answer => answer.Self()).Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Anothers_endpoint_looks_like_none_and_visitors_have_none()
    {
        var (member, other) = (Member(), Member());
        var self = (await member.MakeAsync(Local)).Self();
        var delivery = await member.PingAsync(self);

        foreach (var (method, path) in ((string, string)[])[
            ("GET", self), ("DELETE", self), ("POST", self + "/ping"), ("POST", self + "/rotate-secret"), ("GET", self + "/deliveries"), ("GET", $"{self}/deliveries/{delivery}"), ("POST", $"{self}/deliveries/{delivery}/replay")])
        {
            (await other.SendAsync(new HttpMethod(method), path)).Status.ShouldBe(404, path);
            (await new Visitor(_app, member.Account, "visitor").SendAsync(new HttpMethod(method), path)).Status.ShouldBe(403, path);
        }

        (await other.ChangeAsync(self, new { enabled = false })).Status.ShouldBe(404);
        (await other.PostAsync(self + "/replay-failed", new { since = "2026-01-01T00:00:00Z" })).Status.ShouldBe(404);
        // A delivery is found below its own endpoint alone.
        var mine = (await other.MakeAsync(Local)).Self();
        (await other.GetAsync($"{mine}/deliveries/{delivery}")).Status.ShouldBe(404);
        (await other.PostAsync($"{mine}/deliveries/{delivery}/replay")).Status.ShouldBe(404);
        (await new Visitor(_app, member.Account, "key").GetAsync(self)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Endpoints_follow_their_account_and_go_with_its_person()
    {
        await using var receiver = await Receiver.StartAsync();
        var (from, into) = (Member(), Member());
        var self = (await from.MakeAsync(receiver.Url, "credits.changed")).Self();

        await _app.PublishAsync(new AccountMerged { From = from.Account, Into = into.Account });
        await Eventually.Async(async () => (await into.GetAsync(self)).Status == 200, "the accounts are merged");
        await _app.PublishAsync(new CreditsChanged { AccountId = into.Account });
        await receiver.UntilAsync(1);
        await _app.PublishAsync(new AccountErased { AccountId = into.Account });

        await Eventually.Async(async () => (await into.GetAsync(self)).Status == 404, "the endpoints are gone");
        (await _app.CountAsync($"webhook_deliveries where endpoint_id = '{self[^36..]}'")).ShouldBe(0);
    }

    [Fact]
    public async Task A_secret_is_sealed_in_the_database_and_opened_by_older_keys_too_but_for_no_other_endpoint()
    {
        var member = Member();
        var made = await member.MakeAsync(Local);
        var secret = Convert.FromBase64String(made.Text("secret")["whsec_".Length..]);
        (await _app.CountAsync($@"webhook_endpoints where id = '{made.Text("id")}' and position('\x{Convert.ToHexStringLower(secret)}'::bytea in secret) > 0")).ShouldBe(0);

        var (id, older, newer) = (Guid.NewGuid(), new WebhookSecrets(["an older key"]), new WebhookSecrets(["a newer key", "an older key"]));
        newer.Open(id, older.Seal(id, secret)).ShouldBe(secret);
        newer.Open(id, newer.Seal(id, secret)).ShouldBe(secret);
        Should.Throw<CryptographicException>(() => older.Open(id, newer.Seal(id, secret)));
        Should.Throw<CryptographicException>(() => newer.Open(Guid.NewGuid(), newer.Seal(id, secret)));
    }

    [Theory]
    [InlineData("WEBHOOK_LOCAL_NETWORKS", "127.0.0.0/8", true, "refused in Production")]
    [InlineData("WEBHOOK_LOCAL_NETWORKS", "localhost", false, "must be networks")]
    [InlineData("WEBHOOK_SECRETS_KEY", "short", false, "is too short")]
    [InlineData("WEBHOOK_SECRETS_KEY", "0b9e6c1f43d7a8205e9b71c4d6f3a812,short", false, "has a key that is too short")]
    public void Settings_that_make_no_sense_stop_the_start(string name, string value, bool production, string why)
    {
        var settings = new Settings(new ConfigurationBuilder().AddInMemoryCollection([new(name, value)]).Build(), production);
        WebhookTargets.Read(settings);
        if (name == "WEBHOOK_SECRETS_KEY")
            WebhookSecrets.Read(settings);

        Should.Throw<SettingsException>(settings.ThrowIfInvalid).Problems.ShouldHaveSingleItem().ShouldContain(why);
    }

    private Visitor Member() => _app.Visitor(kind: "member");
}
