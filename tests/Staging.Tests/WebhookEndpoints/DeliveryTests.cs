using HomeStage.Contracts;
using HomeStage.Staging.Events;
using HomeStage.Staging.Retention;
using HomeStage.Staging.WebhookEndpoints;
using HomeStage.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.WebhookEndpoints;

public sealed class DeliveryTests(ReceiverFixture fixture) : IClassFixture<ReceiverFixture>
{
    private readonly StagingApp _app = fixture.App;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task For_a_day_after_a_rotation_both_secrets_sign()
    {
        await using var receiver = await Receiver.StartAsync();
        var member = Member();
        var self = (await member.MakeAsync(receiver.Url)).Self();

        await member.PingAsync(self);
        var before = (await receiver.UntilAsync(1))[0];
        await member.PostAsync(self + "/rotate-secret");
        var rotated = await member.GetAsync(self);
        await member.PingAsync(self);
        var meanwhile = (await receiver.UntilAsync(2))[1];
        _app.Clock.Pass(WebhookEndpointStore.Overlap + TimeSpan.FromMinutes(1));
        await member.PingAsync(self);
        var after = (await receiver.UntilAsync(3))[2];

        new[] { before, meanwhile, after }.Select(one => one.Signature.Split(' ').Length).ShouldBe([1, 2, 1]);
        rotated.Body!["previousSecretUntil"].ShouldNotBeNull();
        (await member.GetAsync(self)).Body!["previousSecretUntil"].ShouldBeNull();
    }

    [Fact]
    public async Task A_staging_is_told_to_the_accounts_endpoints_that_want_it_and_to_no_other()
    {
        await using var receiver = await Receiver.StartAsync();
        var (member, other) = (Member(), Member());
        await member.MakeAsync(receiver.Url + "/all");
        await member.MakeAsync(receiver.Url + "/end", "staging.succeeded");
        await member.TryMakeAsync(new { url = receiver.Url + "/off", eventTypes = Customer.All, enabled = false });
        var others = await other.MakeAsync(receiver.Url + "/other");

        var job = await member.SucceededAsync(_app);
        var told = await receiver.UntilAsync(3, "/all");
        await receiver.UntilAsync(1, "/end");
        await other.PingAsync(others.Self());
        await receiver.UntilAsync(1, "/other");

        told.Select(one => one.Type).Order().ShouldBe(["staging.queued", "staging.running", "staging.succeeded"]);
        receiver.At("/end").Select(one => one.Type).ShouldBe(["staging.succeeded"]);
        receiver.At("/other").Select(one => one.Type).ShouldBe(["ping"]);
        receiver.At("/off").ShouldBeEmpty();
        told.Select(one => one.Id).ShouldBeUnique();
        var end = told.Single(one => one.Type == "staging.succeeded");
        end.Body["data"]!.ToJsonString().ShouldBe(
            $$"""{"stagingId":"{{job}}","status":"succeeded","images":1,"error":null,"receipt":{"held":1,"captured":1,"released":0,"why":"1 of 1 pictures delivered at 1 credit each"},"url":"/api/v1/stagings/{{job}}"}""");
        DateTimeOffset.Parse((string)end.Body["timestamp"]!).ShouldBe(_app.Clock.GetUtcNow(), TimeSpan.FromMinutes(5));
        (end.Headers["content-type"], end.Headers["user-agent"]).ShouldBe(("application/json", "HomeStage-Webhooks/1.0"));
        end.Headers.Keys.ShouldNotContain("traceparent");
    }

    [Fact]
    public async Task A_change_of_the_balance_is_told_and_a_repeated_message_is_not_told_twice()
    {
        await using var receiver = await Receiver.StartAsync();
        var member = Member();
        var endpoint = await member.MakeAsync(receiver.Url, "credits.changed");
        var message = Guid.CreateVersion7();

        await _app.PublishAsync(new CreditsChanged { AccountId = member.Account }, message);
        await _app.PublishAsync(new CreditsChanged { AccountId = member.Account }, message);
        var told = await receiver.UntilAsync(1);
        await member.PingAsync(endpoint.Self());
        await receiver.UntilAsync(2);

        told[0].Body["data"]!.ToJsonString().ShouldBe("""{"url":"/api/v1/credits"}""");
        (await _app.CountAsync($"webhook_deliveries where type = 'credits.changed' and endpoint_id = '{endpoint.Text("id")}'")).ShouldBe(1);
    }

    [Fact]
    public async Task A_submission_that_was_refused_is_told_to_nobody()
    {
        await using var receiver = await Receiver.StartAsync();
        var member = _app.Visitor(Wallet.Empty, "member");
        var endpoint = await member.MakeAsync(receiver.Url);

        (await member.SubmitFormAsync()).Status.ShouldBe(402);

        (await _app.CountAsync($"webhook_deliveries where endpoint_id = '{endpoint.Text("id")}'")).ShouldBe(0);
    }

    [Fact]
    public async Task An_event_whose_transaction_is_rolled_back_is_told_to_nobody()
    {
        var member = Member();
        var endpoint = await member.MakeAsync("http://127.0.0.1:1/");

        foreach (var commit in (bool[])[false, true])
        {
            await using var db = await _app.Services.GetRequiredService<IDbContextFactory<StagingDb>>().CreateDbContextAsync(Cancel);
            await using var transaction = await db.Database.BeginTransactionAsync(Cancel);
            await EventLog.AppendAsync(db, member.Account, job: null, listingId: null, "credits", """{"at":"2026-03-01T00:00:00Z"}""", Cancel);
            if (commit)
                await transaction.CommitAsync(Cancel);
            else
                await transaction.RollbackAsync(Cancel);
            (await _app.CountAsync($"webhook_deliveries where endpoint_id = '{endpoint.Text("id")}'")).ShouldBe(commit ? 1 : 0);
        }
    }

    [Fact]
    public async Task What_fails_is_tried_again_under_the_same_id_and_when_the_receiver_says()
    {
        await using var receiver = await Receiver.StartAsync();
        var member = Member();
        var self = (await member.MakeAsync(receiver.Url)).Self();
        receiver.Answer = async context =>
        {
            context.Response.StatusCode = 503;
            context.Response.Headers.RetryAfter = "7200";
            await context.Response.WriteAsync("down for a\0 while", Cancel);
        };

        var id = await member.PingAsync(self);
        var failed = await member.UntilDeliveryAsync(self, id, delivery => (int)delivery["attempts"]! == 1 && delivery["lastAttempt"] is not null, "one attempt has failed");
        var waits = DateTimeOffset.Parse((string)failed["nextAttemptAt"]!) - _app.Clock.GetUtcNow();
        var failing = await member.GetAsync(self);
        receiver.Answer = Receiver.Status(200);
        _app.Clock.Pass(waits + TimeSpan.FromSeconds(1));
        var succeeded = await member.UntilDeliveryAsync(self, id, delivery => (string)delivery["status"]! == "succeeded", "the second has succeeded");

        ((string)failed["status"]!, (int)failed["lastAttempt"]!["status"]!, (string)failed["lastAttempt"]!["answer"]!).ShouldBe(("pending", 503, "down for a  while"));
        waits.TotalMinutes.ShouldBeInRange(110, 121);
        failing.Body!["failingSince"].ShouldNotBeNull();
        succeeded["log"]!.AsArray().Select(attempt => (int)attempt!["status"]!).ShouldBe([503, 200]);
        succeeded["payload"]!.ToJsonString().ShouldBe(receiver.All[0].Payload);
        receiver.All.Select(one => (one.Id, one.Payload)).Distinct().ShouldHaveSingleItem().Id.ShouldBe(id);
        receiver.All[1].Timestamp.ShouldNotBe(receiver.All[0].Timestamp);
        (await member.GetAsync(self)).Body!["failingSince"].ShouldBeNull();
    }

    [Fact]
    public async Task Redirects_are_not_followed()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = context =>
        {
            context.Response.Redirect(receiver.Url + "/elsewhere", permanent: false, preserveMethod: true);
            return Task.CompletedTask;
        };
        var member = Member();
        var self = (await member.MakeAsync(receiver.Url + "/here")).Self();

        var id = await member.PingAsync(self);
        var failed = await member.UntilDeliveryAsync(self, id, delivery => delivery["lastAttempt"] is not null, "it was tried");

        ((string)failed["status"]!, (int)failed["lastAttempt"]!["status"]!).ShouldBe(("pending", 307));
        receiver.At("/elsewhere").ShouldBeEmpty();
    }

    [Fact]
    public async Task An_endpoint_that_is_gone_is_disabled_at_once_and_its_owner_hears_of_it()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = Receiver.Status(410);
        var member = Member();
        var self = (await member.MakeAsync(receiver.Url)).Self();
        await using var events = await member.EventsAsync();
        await events.NextAsync();

        var id = await member.PingAsync(self);
        var told = (await events.NextAsync())!;
        var endpoint = await member.GetAsync(self);

        (told.Type, told.Text("reason"), told.Text("endpointId")).ShouldBe(("webhook_disabled", "gone", endpoint.Text("id")));
        ((bool)endpoint.Body!["enabled"]!, endpoint.Text("disabledReason")).ShouldBe((false, "gone"));
        (await member.GetAsync($"{self}/deliveries/{id}")).Text("status").ShouldBe("failed");
        (await member.PostAsync(self + "/ping")).Code.ShouldBe("conflict");
        (await member.PostAsync($"{self}/deliveries/{id}/replay")).Code.ShouldBe("conflict");
        (await member.PostAsync(self + "/replay-failed", new { since = "2026-01-01T00:00:00Z" })).Code.ShouldBe("conflict");
        // Whoever is gone is told nothing; whoever comes back starts anew.
        await _app.PublishAsync(new CreditsChanged { AccountId = member.Account });
        (await events.NextAsync())!.Type.ShouldBe("credits");
        receiver.Answer = Receiver.Status(200);
        (await member.ChangeAsync(self, new { enabled = true })).Body!["disabledReason"].ShouldBeNull();
        (await _app.CountAsync($"webhook_deliveries where endpoint_id = '{endpoint.Text("id")}'")).ShouldBe(1);
    }

    [Fact]
    public async Task After_five_days_of_failures_an_endpoint_is_disabled_and_gets_what_waited_once_it_is_enabled()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = Receiver.Status(500);
        var member = Member();
        var self = (await member.MakeAsync(receiver.Url)).Self();
        await using var events = await member.EventsAsync();
        await events.NextAsync();
        var first = await member.PingAsync(self);
        await member.UntilDeliveryAsync(self, first, delivery => delivery["lastAttempt"] is not null, "it has failed");

        _app.Clock.Pass(TimeSpan.FromDays(5) + TimeSpan.FromMinutes(1));
        var told = (await events.NextAsync())!;
        await _app.PublishAsync(new CreditsChanged { AccountId = member.Account });
        (await events.NextAsync())!.Type.ShouldBe("credits");
        receiver.Answer = Receiver.Status(200);
        (await member.GetAsync(self)).Text("disabledReason").ShouldBe("failing");
        var enabled = await member.ChangeAsync(self, new { enabled = true });
        _app.Clock.Pass(TimeSpan.FromHours(1));

        (told.Type, told.Text("reason")).ShouldBe(("webhook_disabled", "failing"));
        ((bool)enabled.Body!["enabled"]!, enabled.Body["failingSince"]).ShouldBe((true, null));
        await Eventually.Async(() => receiver.All.Any(one => one.Type == "credits.changed"), "what happened meanwhile is told");
        await member.UntilDeliveryAsync(self, first, delivery => (string)delivery["status"]! == "succeeded", "what waited is told");
    }

    [Fact]
    public async Task What_failed_for_good_is_replayed_under_its_id_alone_or_with_all_others_since_a_time()
    {
        await using var receiver = await Receiver.StartAsync();
        var member = Member();
        var endpoint = await member.MakeAsync(receiver.Url);
        var self = endpoint.Self();
        var ids = new[] { await member.PingAsync(self), await member.PingAsync(self), await member.PingAsync(self) };
        await receiver.UntilAsync(3);
        foreach (var id in ids)
            await member.UntilDeliveryAsync(self, id, delivery => (string)delivery["status"]! == "succeeded", "it has succeeded");
        await _app.ExecuteAsync($"update webhook_deliveries set status = 'failed', round_attempts = 9 where endpoint_id = '{endpoint.Text("id")}' and id <> '{ids[0]}'");
        await _app.ExecuteAsync($"update webhook_deliveries set created_at = created_at - interval '2 h' where id = '{ids[1]}'");

        var alone = await member.PostAsync($"{self}/deliveries/{ids[0]}/replay");
        await receiver.UntilAsync(4);
        var since = await member.PostAsync(self + "/replay-failed", new { since = _app.Clock.GetUtcNow() - TimeSpan.FromHours(1) });
        await receiver.UntilAsync(5);
        var page = await member.GetAsync($"{self}/deliveries?status=failed");
        var newest = await member.GetAsync($"{self}/deliveries?limit=1");
        var next = await member.GetAsync($"{self}/deliveries?limit=1&cursor={newest.Text("nextCursor")}");

        (alone.Status, alone.Text("id"), alone.Text("status")).ShouldBe((202, ids[0], "pending"));
        (since.Status, (int)since.Body!["replayed"]!).ShouldBe((202, 1));
        receiver.All.Select(one => one.Id).ShouldBe([.. ids, ids[0], ids[2]], ignoreOrder: true);
        page.Body!["items"]!.AsArray().Select(item => (string)item!["id"]!).ShouldBe([ids[1]]);
        ((string)newest.Body!["items"]![0]!["id"]!, (string)next.Body!["items"]![0]!["id"]!).ShouldBe((ids[2], ids[1]));
    }

    [Fact]
    public async Task A_slow_endpoint_takes_four_places_and_holds_up_nobody()
    {
        await using var receiver = await Receiver.StartAsync();
        var release = new TaskCompletionSource();
        receiver.Answer = context => context.Request.Path == "/slow" ? release.Task : Task.CompletedTask;
        var (slow, quick) = (Member(), Member());
        Answer[] endpoints = [await slow.MakeAsync(receiver.Url + "/slow"), await quick.MakeAsync(receiver.Url + "/quick")];
        for (var i = 0; i < 10; i++)
            await slow.PingAsync(endpoints[0].Self());
        await receiver.UntilAsync(WebhookQueue.MostOfEndpoint, "/slow");

        await quick.PingAsync(endpoints[1].Self());
        await receiver.UntilAsync(1, "/quick");
        var queue = _app.Services.GetRequiredService<WebhookQueue>();
        var more = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => queue.ClaimAsync(100, Cancel)));

        more.SelectMany(claimed => claimed).Where(claimed => endpoints.Any(endpoint => Guid.Parse(endpoint.Text("id")) == claimed.EndpointId)).ShouldBeEmpty();
        receiver.At("/slow").Count.ShouldBe(WebhookQueue.MostOfEndpoint);
        release.SetResult();
        await receiver.UntilAsync(10, "/slow");
        receiver.At("/slow").Select(one => one.Id).ShouldBeUnique();
    }

    [Fact]
    public async Task A_delivery_of_a_replica_that_died_is_made_by_another_and_the_dead_ones_result_counts_no_more()
    {
        await using var receiver = await Receiver.StartAsync();
        var member = Member();
        var endpoint = await member.MakeAsync(receiver.Url);
        await _app.ExecuteAsync(
            $"""
            insert into webhook_deliveries (id, endpoint_id, type, payload, attempts, round_attempts, next_attempt_at, claim_id, created_at)
            values (gen_random_uuid(), '{endpoint.Text("id")}', 'ping', '{"{\"type\":\"ping\"}"}', 1, 1, '{_app.Clock.GetUtcNow() + WebhookQueue.Lease:O}', gen_random_uuid(), '{_app.Clock.GetUtcNow():O}')
            """);
        var dead = (await member.GetAsync(endpoint.Self() + "/deliveries")).Body!["items"]![0]!;
        receiver.All.ShouldBeEmpty();

        _app.Clock.Pass(WebhookQueue.Lease + TimeSpan.FromSeconds(1));
        await member.UntilDeliveryAsync(endpoint.Self(), (string)dead["id"]!, delivery => (string)delivery["status"]! == "succeeded", "another replica has told it");
        await using var db = await _app.Services.GetRequiredService<IDbContextFactory<StagingDb>>().CreateDbContextAsync(Cancel);
        var row = await db.WebhookDeliveries.AsNoTracking().SingleAsync(delivery => delivery.Id == Guid.Parse((string)dead["id"]!), Cancel);
        var late = new ClaimedWebhook(row.N, row.Id, row.Payload, 1, 1, row.EndpointId, receiver.Url, [], null, null);
        await _app.Services.GetRequiredService<WebhookQueue>().RecordAsync(late, new WebhookSent(new WebhookOutcome(500), null, null, TimeSpan.Zero), Cancel);

        var after = await member.GetAsync($"{endpoint.Self()}/deliveries/{row.Id}");
        (after.Text("status"), after.Body!["log"]!.AsArray().Count, (int)after.Body["attempts"]!).ShouldBe(("succeeded", 1, 2));
        receiver.All.ShouldHaveSingleItem().Id.ShouldBe(row.Id.ToString());
    }

    [Fact]
    public async Task An_address_that_is_not_public_is_refused_by_whoever_connects_whatever_its_name()
    {
        await using var receiver = await Receiver.StartAsync();
        using var sender = new WebhookSender(new WebhookTargets([]), TimeProvider.System);
        using var elsewhere = new WebhookSender(new WebhookTargets([System.Net.IPNetwork.Parse("127.0.0.9/32")]), TimeProvider.System);
        var port = new Uri(receiver.Url).Port;

        foreach (var url in (string[])[receiver.Url, $"http://localhost:{port}/", $"https://localhost:{port}/", $"http://[::ffff:127.0.0.1]:{port}/", "https://169.254.169.254/", "https://[fd00:ec2::254]/"])
        {
            (await sender.SendAsync(url, Guid.NewGuid(), [WebhookSecrets.New()], "{}", Cancel)).Error.ShouldBe(WebhookErrors.AddressRefused, url);
            (await elsewhere.SendAsync(url, Guid.NewGuid(), [WebhookSecrets.New()], "{}", Cancel)).Error.ShouldBe(WebhookErrors.AddressRefused, url);
        }

        (await sender.SendAsync("https://no-such-name.invalid/", Guid.NewGuid(), [WebhookSecrets.New()], "{}", Cancel)).Error.ShouldBe(WebhookErrors.NameNotFound);
        receiver.All.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_happened_long_ago_is_forgotten()
    {
        var member = Member();
        var endpoint = await member.MakeAsync("http://127.0.0.1:1/");
        await member.PingAsync(endpoint.Self());

        foreach (var (days, left) in ((int, int)[])[(29, 1), (2, 0)])
        {
            _app.Clock.Pass(TimeSpan.FromDays(days));
            await Eventually.Async(() => _app.Services.GetRequiredService<RetentionSweep>().SweepAsync(Cancel), "no other sweep is under way");
            (await _app.CountAsync($"webhook_deliveries where endpoint_id = '{endpoint.Text("id")}'")).ShouldBe(left);
        }
    }

    private Visitor Member() => _app.Visitor(kind: "member");
}
