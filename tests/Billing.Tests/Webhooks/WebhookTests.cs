using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using HomeStage.Billing.Tests.Support;
using HomeStage.Billing.Webhooks;
using HomeStage.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace HomeStage.Billing.Tests.Webhooks;

public sealed class WebhookTests(BillingFixture fixture) : IClassFixture<BillingFixture>
{
    private const string Completed = "checkout.session.completed";
    private static readonly DateTimeOffset Noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    private BillingApp App => fixture.App;

    [Fact]
    public async Task Paid_order_is_told_to_entitlements_with_all_that_a_grant_needs()
    {
        var order = await App.PlaceOrderAsync("pro");
        await App.DeliverOkAsync(Fixture.Event(Completed, Fixture.Session(order.Id, order.SessionId, amount: 4900), Noon));
        var shown = await App.OrderAsync(order);
        ((string)shown["status"]!, (DateTimeOffset)shown["paidAt"]!, (string?)shown["urls"]!["checkout"]).ShouldBe(("paid", Noon, null));
        var payment = (await App.PaymentsAsync(order.Id)).ShouldHaveSingleItem();
        (payment.AccountId, payment.Plan, payment.Credits, payment.ValidForDays, payment.PaidAt, payment.Amount, payment.Currency)
            .ShouldBe((order.AccountId, "pro", 50, 30, Noon, 4900, "usd"));
    }

    [Fact]
    public async Task Webhook_delivered_fifty_times_at_once_is_one_payment()
    {
        var order = await App.PlaceOrderAsync();
        var happened = Fixture.Event(Completed, Fixture.Session(order.Id, order.SessionId));
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => App.DeliverAsync(happened)));
        answers.ShouldAllBe(answer => answer.StatusCode == HttpStatusCode.OK);
        (await App.PaymentsAsync(order.Id)).ShouldHaveSingleItem();
        (await App.CountAsync("select count(*) from stripe_events where order_id = $1", order.Id)).ShouldBe(1);
    }

    [Fact]
    public async Task Fifty_events_that_prove_the_same_payment_at_once_are_one_payment()
    {
        var order = await App.PlaceOrderAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(number => App.DeliverAsync(
            Fixture.Event(number % 2 == 0 ? Completed : "checkout.session.async_payment_succeeded", Fixture.Session(order.Id, order.SessionId)))));
        answers.ShouldAllBe(answer => answer.StatusCode == HttpStatusCode.OK);
        (await App.PaymentsAsync(order.Id)).ShouldHaveSingleItem();
        (await App.CountAsync("select revision from orders where id = $1", order.Id)).ShouldBe(1);
        (await App.CountAsync("select count(*) from stripe_events where order_id = $1 and state = 'applied'", order.Id)).ShouldBe(50);
    }

    [Fact]
    public async Task Four_events_in_any_order_with_repetition_end_in_the_same_state()
    {
        (string Type, string PaymentStatus, int Hours)[] events =
        [
            (Completed, "unpaid", 0), ("checkout.session.async_payment_failed", "unpaid", 1),
            ("checkout.session.async_payment_succeeded", "paid", 2), ("checkout.session.expired", "unpaid", 3),
        ];
        var ends = new List<string>();
        foreach (var permutation in Permutations(events))
        {
            var order = await App.PlaceOrderAsync();
            foreach (var (type, paymentStatus, hours) in permutation)
            {
                var happened = Fixture.Event(type, Fixture.Session(order.Id, order.SessionId, paymentStatus), Noon.AddHours(hours));
                await App.DeliverOkAsync(happened);
                await App.DeliverOkAsync(happened);
            }

            ends.Add(await EndOfAsync(order));
        }

        ends.Count.ShouldBe(24);
        ends.Distinct().ShouldHaveSingleItem().ShouldBe($"paid {Noon.AddHours(2):O} {Noon.AddHours(1):O} {Noon.AddHours(3):O} revision 3, 1 sent");
    }

    [Fact]
    public async Task Four_events_at_once_end_in_the_same_state()
    {
        var order = await App.PlaceOrderAsync();
        JsonObject[] events =
        [
            Fixture.Event(Completed, Fixture.Session(order.Id, order.SessionId, "unpaid"), Noon),
            Fixture.Event("checkout.session.async_payment_failed", Fixture.Session(order.Id, order.SessionId, "unpaid"), Noon.AddHours(1)),
            Fixture.Event("checkout.session.async_payment_succeeded", Fixture.Session(order.Id, order.SessionId), Noon.AddHours(2)),
            Fixture.Event("checkout.session.expired", Fixture.Session(order.Id, order.SessionId, "unpaid"), Noon.AddHours(3)),
        ];
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(number => App.DeliverAsync(events[number % 4])));
        answers.ShouldAllBe(answer => answer.StatusCode == HttpStatusCode.OK);
        (await EndOfAsync(order)).ShouldBe($"paid {Noon.AddHours(2):O} {Noon.AddHours(1):O} {Noon.AddHours(3):O} revision 3, 1 sent");
    }

    [Fact]
    public async Task Events_that_wait_for_their_order_are_received_together_and_each_is_answered_for_itself()
    {
        var order = await App.PlaceOrderAsync();
        JsonObject Event(string type, string paymentStatus) => Fixture.Event(type, Fixture.Session(order.Id, order.SessionId, paymentStatus));
        Task<HttpResponseMessage> first;
        List<Task<HttpResponseMessage>> others;
        await using (var somebodyElse = await App.Admin.OpenConnectionAsync(TestContext.Current.CancellationToken))
        await using (var transaction = await somebodyElse.BeginTransactionAsync(TestContext.Current.CancellationToken))
        {
            await using (var hold = new NpgsqlCommand("select 1 from orders where id = $1 for update", somebodyElse) { Parameters = { new() { Value = order.Id } } })
                await hold.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            first = App.DeliverAsync(Event(Completed, "unpaid"));
            await Eventually.Async(
                async () => await App.CountAsync("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%orders%for update%'") == 1,
                "the first event waits for the order");
            var paid = Event("checkout.session.async_payment_succeeded", "paid");
            others = [.. ((JsonObject[])[paid, Event("checkout.session.expired", "unpaid"), paid]).Select(happened => App.DeliverAsync(happened))];
            await Eventually.Async(() => App.Get<EventIntake>().WaitingCount == others.Count, "the others wait for the first");
            await transaction.CommitAsync(TestContext.Current.CancellationToken);
        }

        foreach (var answer in others.Append(first))
            (await answer).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await App.StatusAsync(order)).ShouldBe("paid");
        (await App.PaymentsAsync(order.Id)).ShouldHaveSingleItem();
        (await App.CountAsync("select count(*) from stripe_events where order_id = $1", order.Id)).ShouldBe(3);
        // Two transactions: the one that waited for the order, and those that waited for it.
        (await App.CountAsync("select count(distinct xmin::text) from stripe_events where order_id = $1", order.Id)).ShouldBe(2);
    }

    [Fact]
    public async Task Unpaid_completion_waits_for_the_bank_and_its_failure_is_shown()
    {
        var order = await App.PlaceOrderAsync();
        await App.DeliverOkAsync(Fixture.Event(Completed, Fixture.Session(order.Id, order.SessionId, "unpaid")));
        (await App.StatusAsync(order)).ShouldBe("pending");
        await App.DeliverOkAsync(Fixture.Event("checkout.session.async_payment_failed", Fixture.Session(order.Id, order.SessionId, "unpaid")));
        (await App.StatusAsync(order)).ShouldBe("failed");
        (await App.PaymentsAsync(order.Id)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Expiry_of_a_session_that_was_never_handed_out_changes_nothing()
    {
        var order = await App.PlaceOrderAsync();
        var happened = Fixture.Event("checkout.session.expired", Fixture.Session(order.Id, "cs_test_lost", "unpaid"));
        await App.DeliverOkAsync(happened);
        (await App.StatusAsync(order)).ShouldBe("pending");
        (await App.EventAsync((string)happened["id"]!)).ShouldBe(("ignored", "other_session"));
    }

    [Fact]
    public async Task Other_amount_is_stored_and_flagged_and_grants_nothing()
    {
        var order = await App.PlaceOrderAsync();
        var happened = Fixture.Event(Completed, Fixture.Session(order.Id, order.SessionId, amount: 1));
        await App.DeliverOkAsync(happened);
        (await App.EventAsync((string)happened["id"]!)).ShouldBe(("flagged", "amount_mismatch"));
        (await App.StatusAsync(order)).ShouldBe("pending");
        (await App.PaymentsAsync(order.Id)).ShouldBeEmpty();
        App.Logs.Lines.ShouldContain(line => line.Event == "payment_anomaly" && line.Level == LogLevel.Error && line.Message.Contains(order.Id.ToString()));
    }

    [Fact]
    public async Task Event_that_is_none_of_our_business_is_stored_and_left_alone()
    {
        var order = await App.PlaceOrderAsync();
        var live = Fixture.Event(Completed, Fixture.Session(order.Id, order.SessionId));
        live["livemode"] = true;
        var unknown = Fixture.Event("product.created", Fixture.Read("charge"));
        var session = Fixture.Read("checkout.session");
        session["client_reference_id"] = "cart-4711";
        var foreign = Fixture.Event(Completed, session);
        var strange = Fixture.Event(Completed, Fixture.Read("refund"));
        foreach (var happened in new[] { live, unknown, foreign, strange })
            await App.DeliverOkAsync(happened);
        (await App.EventAsync((string)live["id"]!)).ShouldBe(("ignored", "other_livemode"));
        (await App.EventAsync((string)unknown["id"]!)).ShouldBe(("ignored", "type_not_used"));
        (await App.EventAsync((string)foreign["id"]!)).ShouldBe(("ignored", "no_order_named"));
        (await App.EventAsync((string)strange["id"]!)).ShouldBe(("flagged", "object_unreadable"));
        (await App.StatusAsync(order)).ShouldBe("pending");
    }

    [Fact]
    public async Task Signed_bytes_are_kept_as_they_came()
    {
        var payload = Encoding.UTF8.GetBytes($$"""{ "id" : "evt_{{Guid.NewGuid():N}}",  "type":"note.written", "text":"Zoë – €25 \u0000 \ud83d\ude00" }""" + "\n");
        using var answer = await App.DeliverAsync(payload);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await App.CountAsync("select count(*) from stripe_events where payload = $1", payload)).ShouldBe(1);
    }

    [Fact]
    public async Task Bad_signature_is_refused_logged_and_stores_nothing()
    {
        var order = await App.PlaceOrderAsync();
        var happened = Fixture.Event(Completed, Fixture.Session(order.Id, order.SessionId));
        using var answer = await App.DeliverAsync(happened, secret: "whsec_nobodyKnowsThisOneHere");
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        ((string)(await BillingApp.BodyAsync(answer))["code"]!).ShouldBe("signature_invalid");
        (await App.CountAsync("select count(*) from stripe_events where id = $1", (string)happened["id"]!)).ShouldBe(0);
        App.Logs.Lines.ShouldContain(line =>
            line.Event == "webhook_signature_invalid" && line.Message.Contains("signature_mismatch") && line.Message.Contains("hash-of-address"));
        App.Logs.Lines.ShouldNotContain(line => line.Message.Contains("whsec_") || line.Message.Contains("example@example.com"));
    }

    [Fact]
    public async Task Request_without_a_signature_is_refused()
    {
        using var answer = await App.DeliverAsync("{}"u8.ToArray(), signature: "");
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Secret_that_is_being_rolled_still_counts()
    {
        var order = await App.PlaceOrderAsync();
        using var answer = await App.DeliverAsync(Fixture.Event(Completed, Fixture.Session(order.Id, order.SessionId)), BillingApp.OlderWebhookSecret);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await App.StatusAsync(order)).ShouldBe("paid");
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("""{"object":"event"}""")]
    public async Task Signed_body_that_is_no_event_is_refused_so_that_stripe_shows_it(string body)
    {
        using var answer = await App.DeliverAsync(Encoding.UTF8.GetBytes(body));
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        ((string)(await BillingApp.BodyAsync(answer))["code"]!).ShouldBe("event_unreadable");
        App.Logs.Lines.ShouldContain(line => line.Event == "webhook_unreadable");
    }

    [Fact]
    public async Task Body_of_more_than_a_mebibyte_is_too_large()
    {
        using var answer = await App.DeliverAsync(new byte[(1024 * 1024) + 1]);
        answer.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
    }

    [Fact]
    public async Task Event_that_comes_before_its_order_is_applied_when_the_order_is_there()
    {
        var later = App.LateOrder();
        var happened = Fixture.Event(Completed, Fixture.Session(later.Id));
        await App.DeliverOkAsync(happened);
        (await App.EventAsync((string)happened["id"]!)).ShouldBe(("waiting", "order_unknown"));
        await App.PlaceLateAsync(later);
        await Eventually.Async(async () => (await App.EventAsync((string)happened["id"]!)).State == "applied", "the event is applied");
        (await App.PaymentsAsync(later.Id)).ShouldHaveSingleItem().AccountId.ShouldBe(later.AccountId);
    }

    private async Task<string> EndOfAsync(PlacedOrder order)
    {
        await using var db = await App.Services.GetRequiredService<IDbContextFactory<BillingDb>>().CreateDbContextAsync(TestContext.Current.CancellationToken);
        var row = await db.Orders.AsNoTracking().SingleAsync(found => found.Id == order.Id, TestContext.Current.CancellationToken);
        return $"{await App.StatusAsync(order)} {row.PaidAt:O} {row.FailedAt:O} {row.ExpiredAt:O} revision {row.Revision}, {(await App.PaymentsAsync(order.Id)).Count} sent";
    }

    private static IEnumerable<IEnumerable<T>> Permutations<T>(T[] items) => items.Length == 0
        ? [[]]
        : items.SelectMany((item, index) => Permutations([.. items.Where((_, other) => other != index)]).Select(rest => rest.Prepend(item)));
}
