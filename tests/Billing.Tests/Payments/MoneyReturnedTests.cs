using System.Text.Json.Nodes;
using HomeStage.Billing.Orders;
using HomeStage.Billing.Tests.Support;
using HomeStage.Testing;
using Microsoft.Extensions.Logging;

namespace HomeStage.Billing.Tests.Payments;

public sealed class MoneyReturnedTests(BillingFixture fixture) : IClassFixture<BillingFixture>
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    private BillingApp App => fixture.App;

    private FakeStripeAccount Stripe => fixture.App.Stripe.Account;

    [Fact]
    public async Task Refunds_are_told_to_entitlements_in_absolute_figures()
    {
        var order = await App.PayOrderAsync();
        var first = Stripe.Refund(order, 700, "pending");
        (await App.SettleAsync(Fixture.Event("refund.created", first))).ShouldBe(("applied", null));
        (await App.StatusAsync(order)).ShouldBe("partially_refunded");
        (await App.SettleAsync(Fixture.Event("refund.updated", first))).ShouldBe(("applied", "known_already"));
        (await App.SettleAsync(Fixture.Event("charge.refunded", ChargeOf(order, Stripe.Refund(order, 1800))))).ShouldBe(("applied", null));
        (await App.StatusAsync(order)).ShouldBe("refunded");

        var adjustments = await App.AdjustmentsAsync(order.Id);
        adjustments.Select(sent => (sent.AmountPaid, sent.AmountReturned, sent.DisputeOpen)).ShouldBe([(2500, 700, false), (2500, 2500, false)]);
        adjustments[1].Revision.ShouldBe(await RevisionAsync(order));
    }

    [Fact]
    public async Task Refund_that_fails_gives_back_what_it_took()
    {
        var order = await App.PayOrderAsync();
        var refund = Stripe.Refund(order, 2500, "pending");
        await App.SettleAsync(Fixture.Event("refund.created", refund));
        (await App.StatusAsync(order)).ShouldBe("refunded");
        Stripe.Set(refund, "status", "failed");
        await App.SettleAsync(Fixture.Event("refund.failed", refund));
        (await App.StatusAsync(order)).ShouldBe("paid");
        (await App.AdjustmentsAsync(order.Id)).Select(sent => sent.AmountReturned).ShouldBe([2500, 0]);
    }

    [Fact]
    public async Task Refund_whose_status_stripe_leaves_open_counts()
    {
        var order = await App.PayOrderAsync();
        var refund = Stripe.Refund(order, 700);
        Stripe.Set(refund, "status", null);
        (await App.SettleAsync(Fixture.Event("refund.created", refund))).ShouldBe(("applied", null));
        (await App.AdjustmentsAsync(order.Id)).ShouldHaveSingleItem().AmountReturned.ShouldBe(700);
    }

    [Fact]
    public async Task Answer_that_cannot_be_read_is_asked_for_ever_more_seldom_and_not_for_ever()
    {
        var order = await App.PayOrderAsync();
        var dispute = Stripe.Dispute(order);
        Stripe.Set(dispute, "status", null);
        var happened = Fixture.Event("charge.dispute.created", dispute);
        var id = (string)happened["id"]!;
        await App.DeliverOkAsync(happened);
        await App.Logs.UntilAsync(line => line.Event == "stripe_event_failed" && line.Message.Contains(id));
        (await App.EventAsync(id)).ShouldBe(("waiting", "to_be_fetched"));
        (await App.CountAsync("select count(*) from stripe_events where id = $1 and due_at >= received_at + interval '10 s'", id)).ShouldBe(1);
        await App.ExecuteAsync("update stripe_events set due_at = $2, received_at = received_at - interval '31 days' where id = $1", id, App.Time.GetUtcNow());
        await Eventually.Async(async () => await App.EventAsync(id) == ("ignored", "never_decided"), "the event is given up");
    }

    [Theory]
    [InlineData("lost", "charged_back", 2500)]
    [InlineData("won", "paid", 0)]
    public async Task Dispute_freezes_until_it_is_decided(string end, string status, long returned)
    {
        var order = await App.PayOrderAsync();
        var dispute = Stripe.Dispute(order);
        await App.SettleAsync(Fixture.Event("charge.dispute.created", dispute));
        (await App.StatusAsync(order)).ShouldBe("disputed");
        Stripe.Set(dispute, "status", "under_review");
        (await App.SettleAsync(Fixture.Event("charge.dispute.updated", dispute))).Reason.ShouldBe("known_already");
        Stripe.Set(dispute, "status", end);
        await App.SettleAsync(Fixture.Event("charge.dispute.closed", dispute));
        (await App.StatusAsync(order)).ShouldBe(status);
        (await App.AdjustmentsAsync(order.Id)).Select(sent => (sent.AmountReturned, sent.DisputeOpen)).ShouldBe([(0, true), (returned, false)]);
    }

    [Theory]
    [InlineData("warning_needs_response")]
    [InlineData("prevented")]
    public async Task Inquiry_and_prevented_dispute_change_nothing(string status)
    {
        var order = await App.PayOrderAsync();
        (await App.SettleAsync(Fixture.Event("charge.dispute.created", Stripe.Dispute(order, status)))).ShouldBe(("applied", "known_already"));
        (await App.StatusAsync(order)).ShouldBe("paid");
        (await App.AdjustmentsAsync(order.Id)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Warning_of_fraud_is_flagged_and_takes_nothing()
    {
        var order = await App.PayOrderAsync();
        // Stripe's own fixture of a warning names the charge only.
        (await App.SettleAsync(Fixture.Event("radar.early_fraud_warning.created", Stripe.Warning(order, Noon)))).ShouldBe(("applied", "fraud_warned"));
        (await App.StatusAsync(order)).ShouldBe("paid");
        (await App.CountAsync("select count(*) from orders where id = $1 and fraud_warning_at = $2", order.Id, Noon)).ShouldBe(1);
        await App.Logs.UntilAsync(line => line.Event == "fraud_warning" && line.Level == LogLevel.Warning && line.Message.Contains(order.Id.ToString()));
        (await App.AdjustmentsAsync(order.Id)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Refund_known_before_the_payment_is_told_with_it()
    {
        var order = await App.PlaceOrderAsync();
        Stripe.Pay(order);
        await App.SettleAsync(Fixture.Event("refund.created", Stripe.Refund(order, 700)));
        (await App.PaymentsAsync(order.Id)).ShouldBeEmpty();
        await App.DeliverOkAsync(Fixture.Event("checkout.session.completed", Fixture.Session(order.Id, order.SessionId)));
        (await App.StatusAsync(order)).ShouldBe("partially_refunded");
        (await App.PaymentsAsync(order.Id)).ShouldHaveSingleItem();
        var adjusted = (await App.AdjustmentsAsync(order.Id)).ShouldHaveSingleItem();
        (adjusted.AmountReturned, adjusted.Revision).ShouldBe((700, await RevisionAsync(order)));
    }

    [Fact]
    public async Task Older_answer_that_arrives_last_is_asked_for_again()
    {
        var order = await App.PayOrderAsync();
        Stripe.Refund(order, 500);
        using var held = new SemaphoreSlim(0);
        var reached = new TaskCompletionSource();
        var holds = 1;
        App.Stripe.OnTheWay = call => call.Route == "GET /v1/refunds" && call.Form["payment_intent"] == order.PaymentIntentId && Interlocked.Exchange(ref holds, 0) == 1
            ? HoldAsync(reached, held)
            : Task.CompletedTask;
        // The first fetch, support's, has its answer, 500, which is slow; meanwhile there is another refund, and an event applies both.
        var slow = App.SupportAsync(HttpMethod.Post, $"orders/{order.Id}/check");
        await reached.Task.WaitAsync(TestContext.Current.CancellationToken);
        await App.SettleAsync(Fixture.Event("refund.created", Stripe.Refund(order, 900)));
        (await ReturnedAsync(order)).ShouldBe(1400);
        held.Release();
        ((long)(await slow)!["order"]!["amountReturned"]!).ShouldBe(1400);
        (await App.AdjustmentsAsync(order.Id)).Select(sent => sent.AmountReturned).ShouldBe([1400]);
        (await RevisionAsync(order)).ShouldBe(3);
    }

    [Fact]
    public async Task Events_that_waited_together_are_applied_with_one_answer()
    {
        var order = await App.PayOrderAsync();
        var away = true;
        App.Stripe.OnTheWay = _ => Volatile.Read(ref away) ? throw new HttpRequestException("Stripe is away.") : Task.CompletedTask;
        var happened = new[] { "refund.created", "charge.refunded", "refund.updated" }.Select(type => Fixture.Event(type, Stripe.Refund(order, 100))).ToList();
        foreach (var item in happened)
            await App.DeliverOkAsync(item);
        Volatile.Write(ref away, false);
        await Eventually.Async(async () => await App.CountAsync("select count(*) from stripe_events where order_id = $1 and state = 'applied'", order.Id) == 4, "all are applied");
        (await App.AdjustmentsAsync(order.Id)).ShouldHaveSingleItem().AmountReturned.ShouldBe(300);
    }

    [Fact]
    public async Task Payment_without_our_metadata_is_found_by_its_session()
    {
        var order = await App.PlaceOrderAsync();
        Stripe.Pay(order, named: false);
        var session = Fixture.Session(order.Id, "cs_test_of_" + order.Id.ToString("N"));
        Stripe.Keep(session);
        (await App.SettleAsync(Fixture.Event("refund.created", Stripe.Refund(order, 2500)))).State.ShouldBe("applied");
        (await App.StatusAsync(order)).ShouldBe("refunded");
    }

    [Fact]
    public async Task Event_about_another_systems_payment_is_explained_and_left_alone()
    {
        var foreign = new PlacedOrder(Guid.CreateVersion7(), Guid.Empty, "cs_test_foreign");
        Stripe.Pay(foreign, named: false);
        (await App.SettleAsync(Fixture.Event("refund.created", Stripe.Refund(foreign, 100)))).ShouldBe(("ignored", "no_order_named"));
        // A charge of the old API belongs to no payment, and Stripe may not know what an event names.
        (await App.SettleAsync(Fixture.Event("charge.refunded", Fixture.Read("charge")))).ShouldBe(("ignored", "no_payment_named"));
        (await App.SettleAsync(Fixture.Event("refund.created", Fixture.Read("refund")))).ShouldBe(("ignored", "no_payment_named"));
        var unknown = Fixture.Read("refund");
        unknown["payment_intent"] = "pi_of_another_account";
        (await App.SettleAsync(Fixture.Event("refund.created", unknown))).ShouldBe(("ignored", "no_order_named"));
    }

    [Fact]
    public async Task Event_about_a_payment_of_ours_that_stripe_does_not_know_waits_for_the_right_key()
    {
        var order = await App.PlaceOrderAsync();
        await App.DeliverOkAsync(Fixture.Event("checkout.session.completed", Fixture.Session(order.Id, order.SessionId)));
        var happened = Fixture.Event("refund.created", Stripe.Refund(order, 700));
        var id = (string)happened["id"]!;
        await App.DeliverOkAsync(happened);
        await Eventually.Async(async () => await App.EventAsync(id) == ("waiting", "payment_unknown"), "the event waits");
        Stripe.Pay(order);
        await App.ExecuteAsync("update stripe_events set due_at = $2 where id = $1", id, App.Time.GetUtcNow());
        await Eventually.Async(async () => await App.EventAsync(id) == ("applied", null), "the event is applied");
        (await ReturnedAsync(order)).ShouldBe(700);
    }

    [Fact]
    public async Task Event_about_an_order_that_is_not_there_yet_waits_for_it()
    {
        var later = App.LateOrder();
        var order = new PlacedOrder(later.Id, later.AccountId, "");
        Stripe.Pay(order);
        var happened = Fixture.Event("refund.created", Stripe.Refund(order, 700));
        await App.DeliverOkAsync(happened);
        await Eventually.Async(async () => await App.EventAsync((string)happened["id"]!) == ("waiting", "order_unknown"), "the event waits");
        await App.PlaceLateAsync(later);
        await Eventually.Async(async () => (await App.EventAsync((string)happened["id"]!)).State == "applied", "the event is applied");
        (await ReturnedAsync(order)).ShouldBe(700);
    }

    [Fact]
    public async Task Other_mode_is_left_alone_and_another_api_version_is_not()
    {
        var order = await App.PayOrderAsync();
        var live = Fixture.Event("refund.created", Stripe.Refund(order, 100));
        live["livemode"] = true;
        (await App.SettleAsync(live)).ShouldBe(("ignored", "other_livemode"));
        var old = Fixture.Event("charge.refund.updated", Stripe.Refund(order, 100));
        old["api_version"] = "2019-05-16";
        (await App.SettleAsync(old)).ShouldBe(("applied", null));
        App.Stripe.Calls.ShouldAllBe(call => call.Version == "2026-07-29.dahlia");
    }

    [Fact]
    public async Task Money_back_in_another_currency_is_flagged_and_not_applied()
    {
        var order = await App.PayOrderAsync();
        var happened = Fixture.Event("refund.created", Stripe.Refund(order, 700, currency: "eur"));
        (await App.SettleAsync(happened)).ShouldBe(("flagged", "currency_mismatch"));
        (await App.StatusAsync(order)).ShouldBe("paid");
        await App.Logs.UntilAsync(line => line.Event == "payment_anomaly" && line.Message.Contains((string)happened["id"]!));
    }

    [Fact]
    public async Task Refund_of_a_second_payment_takes_no_credits()
    {
        var order = await App.PayOrderAsync();
        var second = Fixture.Read("payment_intent");
        second["id"] = "pi_second_" + order.Id.ToString("N");
        second["metadata"] = new JsonObject { ["order_id"] = order.Id.ToString() };
        Stripe.Keep(second);
        var refund = Stripe.Refund(order, 2500);
        Stripe.Set(refund, "payment_intent", (string)second["id"]!);
        (await App.SettleAsync(Fixture.Event("refund.created", refund))).ShouldBe(("ignored", "other_payment"));
        (await App.StatusAsync(order)).ShouldBe("paid");
    }

    [Fact]
    public async Task While_stripe_is_away_an_event_waits_and_is_applied_on_its_return()
    {
        var order = await App.PayOrderAsync();
        var happened = Fixture.Event("refund.created", Stripe.Refund(order, 700));
        var away = true;
        App.Stripe.OnTheWay = _ => Volatile.Read(ref away) ? throw new HttpRequestException("Stripe is away.") : Task.CompletedTask;
        var asked = App.Stripe.Calls.Count;
        await App.DeliverOkAsync(happened);
        await Eventually.Async(() => App.Stripe.Calls.Count > asked, "Stripe was asked");
        (await App.EventAsync((string)happened["id"]!)).ShouldBe(("waiting", "to_be_fetched"));
        Volatile.Write(ref away, false);
        await Eventually.Async(async () => (await App.EventAsync((string)happened["id"]!)).State == "applied", "the event is applied");
        (await ReturnedAsync(order)).ShouldBe(700);
    }

    [Fact]
    public async Task What_an_earlier_version_put_aside_is_applied_after_the_migration()
    {
        var order = await App.PayOrderAsync();
        var happened = Fixture.Event("refund.created", Stripe.Refund(order, 700));
        var id = (string)happened["id"]!;
        await App.SettleAsync(happened);
        (await App.CountAsync("with r as (update stripe_events set state = 'ignored', reason = 'type_not_used' where id = $1 returning 1) select count(*) from r", id)).ShouldBe(1);
        var other = Fixture.Event("product.created", Fixture.Read("charge"));
        await App.DeliverOkAsync(other);
        var sql = MigrationText("0013_money_returned");
        await using var migrate = App.Admin.CreateCommand(sql[sql.IndexOf("update stripe_events", StringComparison.Ordinal)..]);
        await migrate.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await Eventually.Async(async () => await App.EventAsync(id) == ("applied", "known_already"), "the event is applied after all");
        (await App.EventAsync((string)other["id"]!)).ShouldBe(("ignored", "type_not_used"));
    }

    private static async Task HoldAsync(TaskCompletionSource reached, SemaphoreSlim held)
    {
        reached.SetResult();
        await held.WaitAsync(TestContext.Current.CancellationToken);
    }

    private static JsonObject ChargeOf(PlacedOrder order, JsonObject refund)
    {
        var charge = Fixture.Read("charge");
        charge["id"] = order.ChargeId;
        charge["payment_intent"] = order.PaymentIntentId;
        charge["amount_refunded"] = (long)refund["amount"]!;
        return charge;
    }

    private static string MigrationText(string name)
    {
        using var stream = typeof(Order).Assembly.GetManifestResourceStream(
            typeof(Order).Assembly.GetManifestResourceNames().Single(resource => resource.Contains(name, StringComparison.Ordinal)))!;
        return new StreamReader(stream).ReadToEnd();
    }

    private Task<long> ReturnedAsync(PlacedOrder order) => App.CountAsync("select amount_refunded + amount_lost from orders where id = $1", order.Id);

    private Task<long> RevisionAsync(PlacedOrder order) => App.CountAsync("select revision from orders where id = $1", order.Id);
}
