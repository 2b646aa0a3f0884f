using System.Diagnostics.Metrics;
using System.Net;
using HomeStage.Billing.Reconciliation;
using HomeStage.Billing.Tests.Support;
using HomeStage.Testing;
using Npgsql;

namespace HomeStage.Billing.Tests.Reconciliation;

public sealed class ReconcilerTests(TestServers servers) : IAsyncLifetime
{
    private BillingApp _app = null!;

    public async ValueTask InitializeAsync() => _app = await BillingApp.StartAsync(servers);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    [Fact]
    public async Task Two_days_without_webhooks_lose_nothing()
    {
        var (paid, refunded, expired) = (await _app.PlaceOrderAsync(), await _app.PlaceOrderAsync(), await _app.PlaceOrderAsync());
        var now = _app.Time.GetUtcNow();
        // More than a page of other systems' events lies between ours.
        for (var count = 0; count < 150; count++)
            Happens("refund.created", Fixture.Read("refund"), now.AddHours(3));
        Happens("checkout.session.completed", Fixture.Session(paid.Id, paid.SessionId), now.AddHours(1));
        Happens("checkout.session.completed", Fixture.Session(refunded.Id, refunded.SessionId), now.AddHours(2));
        _app.Stripe.Account.Pay(refunded);
        Happens("refund.created", _app.Stripe.Account.Refund(refunded, 2500), now.AddHours(20));
        Happens("checkout.session.expired", Fixture.Session(expired.Id, expired.SessionId, "unpaid"), now.AddHours(25));
        _app.Time.Advance(TimeSpan.FromDays(2));

        var report = await RunAsync();
        (report.Ran, report.Listed, report.New).ShouldBe((true, 154, 154));
        await Eventually.Async(async () => await _app.StatusAsync(refunded) == "refunded", "the refund is applied");
        (await _app.StatusAsync(paid)).ShouldBe("paid");
        (await _app.StatusAsync(expired)).ShouldBe("expired");
        (await _app.PaymentsAsync(paid.Id)).ShouldHaveSingleItem().PaidAt.ShouldBe(DateTimeOffset.FromUnixTimeSeconds(now.AddHours(1).ToUnixTimeSeconds()));
        (await _app.CountAsync("select count(*) from stripe_events where source = 'list'")).ShouldBe(154);
        _app.Logs.Lines.ShouldContain(line => line.Event == "events_missed");

        // The same again finds nothing new, and begins near the end.
        var again = await RunAsync();
        again.New.ShouldBe(0);
        again.From.ShouldBe(DateTimeOffset.FromUnixTimeSeconds(now.AddHours(25).ToUnixTimeSeconds()) - Reconciler.Overlap);
    }

    [Fact]
    public async Task Webhook_after_the_reconciliation_is_a_repetition_and_leaves_the_very_same_row()
    {
        var (listed, delivered) = (await _app.PlaceOrderAsync(), await _app.PlaceOrderAsync());
        var at = _app.Time.GetUtcNow().AddSeconds(5);
        var happened = Happens("checkout.session.completed", Fixture.Session(listed.Id, listed.SessionId), at);
        await RunAsync();
        await _app.DeliverOkAsync(happened);
        await _app.DeliverOkAsync(Fixture.Event("checkout.session.completed", Fixture.Session(delivered.Id, delivered.SessionId), at));
        (await _app.RowAsync(listed)).ShouldBe(await _app.RowAsync(delivered));
        (await _app.PaymentsAsync(listed.Id)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Event_that_becomes_visible_late_is_not_missed()
    {
        var order = await _app.PlaceOrderAsync();
        var at = _app.Time.GetUtcNow().AddSeconds(30);
        Happens("refund.created", Fixture.Read("refund"), at.AddMinutes(2));
        await RunAsync();
        Happens("checkout.session.completed", Fixture.Session(order.Id, order.SessionId), at);
        (await RunAsync()).New.ShouldBe(1);
        (await _app.StatusAsync(order)).ShouldBe("paid");
    }

    [Fact]
    public async Task Stripe_is_not_asked_for_what_it_no_longer_keeps()
    {
        await _app.PlaceOrderAsync();
        _app.Time.Advance(TimeSpan.FromDays(45));
        var report = await RunAsync();
        report.From.ShouldBe(report.To - Reconciler.Furthest);
    }

    [Fact]
    public async Task One_replica_at_a_time()
    {
        // Not pooled: closing it ends the session, as the end of a process does.
        await using var other = new NpgsqlConnection(_app.Connection + ";Pooling=false");
        await other.OpenAsync(TestContext.Current.CancellationToken);
        await using var take = new NpgsqlCommand("select pg_advisory_lock(7234018551)", other);
        await take.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        (await RunAsync()).Ran.ShouldBeFalse();
        _app.Stripe.Calls.ShouldBeEmpty();
        await other.CloseAsync();
        await Eventually.Async(async () => (await RunAsync()).Ran, "the turn is given back with the connection");
    }

    [Fact]
    public async Task Run_that_stripe_cuts_off_is_repeated_from_its_beginning()
    {
        var order = await _app.PlaceOrderAsync();
        Happens("checkout.session.completed", Fixture.Session(order.Id, order.SessionId), _app.Time.GetUtcNow());
        for (var count = 0; count < 100; count++)
            Happens("refund.created", Fixture.Read("refund"), _app.Time.GetUtcNow().AddSeconds(30));
        _app.Stripe.OnTheWay = call => call.Form.ContainsKey("starting_after") ? throw new HttpRequestException("The connection was cut.") : Task.CompletedTask;
        await Should.ThrowAsync<HomeStage.Billing.Stripe.StripeException>(RunAsync);
        (await _app.CountAsync("select count(*) from reconciliation")).ShouldBe(0);
        _app.Stripe.OnTheWay = _ => Task.CompletedTask;
        (await RunAsync()).New.ShouldBe(1);
        (await _app.StatusAsync(order)).ShouldBe("paid");
    }

    [Fact]
    public async Task Event_whose_webhook_may_be_on_its_way_is_left_to_it_and_missed_when_it_does_not_come()
    {
        using var missed = new Missed(_app);
        var (delivered, lost) = (await _app.PlaceOrderAsync(), await _app.PlaceOrderAsync());
        var now = _app.Time.GetUtcNow();
        var late = Happens("checkout.session.completed", Fixture.Session(delivered.Id, delivered.SessionId), now.AddSeconds(-2));
        Happens("checkout.session.completed", Fixture.Session(lost.Id, lost.SessionId), now.AddSeconds(-1));
        (await RunRecurringAsync()).New.ShouldBe(0);
        await _app.DeliverOkAsync(late);
        _app.Time.Advance(Reconciler.OnItsWay);
        (await RunRecurringAsync()).New.ShouldBe(1);
        (await _app.StatusAsync(lost)).ShouldBe("paid");
        missed.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Run_on_demand_takes_in_what_has_just_happened_and_does_not_call_it_missed()
    {
        using var missed = new Missed(_app);
        var order = await _app.PlaceOrderAsync();
        Happens("checkout.session.completed", Fixture.Session(order.Id, order.SessionId), _app.Time.GetUtcNow());
        (await RunAsync()).New.ShouldBe(1);
        (await _app.StatusAsync(order)).ShouldBe("paid");
        missed.Count.ShouldBe(0);
        _app.Logs.Lines.ShouldNotContain(line => line.Event == "events_missed");
    }

    [Fact]
    public async Task What_a_run_that_was_cut_off_has_found_is_counted_as_missed()
    {
        using var missed = new Missed(_app);
        await _app.PlaceOrderAsync();
        for (var count = 0; count < 101; count++)
            Happens("refund.created", Fixture.Read("refund"), _app.Time.GetUtcNow());
        _app.Time.Advance(TimeSpan.FromMinutes(1));
        _app.Stripe.OnTheWay = call => call.Form.ContainsKey("starting_after") ? throw new HttpRequestException("The connection was cut.") : Task.CompletedTask;
        await Should.ThrowAsync<HomeStage.Billing.Stripe.StripeException>(RunRecurringAsync);
        missed.Count.ShouldBe(100);
        _app.Logs.Lines.ShouldContain(line => line.Event == "events_missed");
    }

    [Fact]
    public async Task Order_that_never_got_a_session_expires_when_no_key_can_continue_it()
    {
        _app.Stripe.FailNext(HttpStatusCode.ServiceUnavailable);
        var account = Guid.CreateVersion7();
        using var failed = await _app.CheckOutAsync(account, idempotencyKey: "k1");
        var order = new PlacedOrder((Guid)(await BillingApp.BodyAsync(failed))["orderId"]!, account, "");
        _app.Time.Advance(TimeSpan.FromHours(71));
        await RunAsync();
        (await _app.StatusAsync(order)).ShouldBe("pending");
        _app.Time.Advance(TimeSpan.FromHours(2));
        (await RunAsync()).OrdersChecked.ShouldBe(1);
        (await _app.StatusAsync(order)).ShouldBe("expired");
    }

    private Task<Contracts.ReconciliationReport> RunAsync() => _app.Get<Reconciler>().RunAsync(TestContext.Current.CancellationToken);

    private Task<Contracts.ReconciliationReport> RunRecurringAsync() => _app.Get<Reconciler>().RunAsync(Reconciler.OnItsWay, TestContext.Current.CancellationToken);

    private System.Text.Json.Nodes.JsonObject Happens(string type, System.Text.Json.Nodes.JsonObject subject, DateTimeOffset at) =>
        _app.Stripe.Account.Keep(Fixture.Event(type, subject, at));

    /// <summary>Counts what the service says was missed.</summary>
    private sealed class Missed : IDisposable
    {
        private readonly MeterListener _listener = new();

        public Missed(BillingApp app)
        {
            var meters = app.Get<IMeterFactory>();
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "homestage.billing.missed_events" && ReferenceEquals(instrument.Meter.Scope, meters))
                    listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((_, missed, _, _) => Count += missed);
            _listener.Start();
        }

        public long Count { get; private set; }

        public void Dispose() => _listener.Dispose();
    }
}
