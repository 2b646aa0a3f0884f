using System.Net;
using HomeStage.Billing.Tests.Support;
using HomeStage.Billing.Webhooks;
using HomeStage.Testing;

namespace HomeStage.Billing.Tests.Webhooks;

public sealed class WebhookFailureTests(TestServers servers) : IAsyncLifetime
{
    private const string Completed = "checkout.session.completed";
    private BillingApp _app = null!;

    public async ValueTask InitializeAsync() => _app = await BillingApp.StartAsync(servers);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    [Fact]
    public async Task Process_that_dies_after_any_statement_ends_with_one_payment_once_stripe_repeats()
    {
        var died = 0;
        for (var step = 1; ; step++)
        {
            var order = await _app.PlaceOrderAsync();
            var happened = Fixture.Event(Completed, Fixture.Session(order.Id, order.SessionId));
            _app.Crash.Arm(step);
            using var first = await _app.DeliverAsync(happened);
            if (_app.Crash.Disarm())
                break;
            first.StatusCode.ShouldBe(HttpStatusCode.InternalServerError, $"step {step}");
            died++;
            await _app.DeliverOkAsync(happened);
            (await _app.StatusAsync(order)).ShouldBe("paid", $"step {step}");
            (await _app.PaymentsAsync(order.Id)).Count.ShouldBe(1, $"step {step}");
            (await _app.EventAsync((string)happened["id"]!)).State.ShouldBe("applied");
        }

        // Lock, event with order and outbox, before and after the commit.
        died.ShouldBe(4);
    }

    [Fact]
    public async Task Waiting_event_survives_whoever_dies_with_it()
    {
        var now = DateTimeOffset.UtcNow;
        // Lock, event, order with outbox, before and after the commit.
        for (var step = 1; step <= 5; step++)
        {
            _app.Time.StopAt(now);
            var order = _app.LateOrder();
            var happened = Fixture.Event(Completed, Fixture.Session(order.Id));
            await _app.DeliverOkAsync(happened);
            await _app.PlaceLateAsync(order);
            _app.Crash.Arm(step);
            await Eventually.Async(
                async () =>
                {
                    _app.Time.StopAt(now += TimeSpan.FromHours(1));
                    return (await _app.EventAsync((string)happened["id"]!)).State == "applied";
                },
                $"the event is applied in spite of step {step}");
            await Eventually.Async(() => _app.Crash.Reached, $"step {step} is reached");
            (await _app.PaymentsAsync(order.Id)).Count.ShouldBe(1, $"step {step}");
            (await _app.CountAsync("select revision from orders where id = $1", order.Id)).ShouldBe(1);
        }
    }

    [Fact]
    public async Task Event_of_an_order_that_never_comes_waits_longer_each_time_and_ends_after_thirty_days()
    {
        var now = DateTimeOffset.UtcNow;
        _app.Time.StopAt(now);
        var happened = Fixture.Event(Completed, Fixture.Session(Guid.CreateVersion7()));
        await _app.DeliverOkAsync(happened);
        var id = (string)happened["id"]!;
        foreach (var (attempt, wait) in new[] { (1, 5), (2, 10), (3, 20), (4, 40) })
        {
            (await SecondsToWaitAsync(id, now)).ShouldBe(wait);
            _app.Time.StopAt(now += TimeSpan.FromSeconds(wait));
            await Eventually.Async(async () => await AttemptsAsync(id) == attempt, $"the event was tried {attempt} times");
            (await _app.EventAsync(id)).ShouldBe(("waiting", "order_unknown"));
        }

        _app.Time.StopAt(now + WaitingEvents.Patience);
        await Eventually.Async(async () => await _app.EventAsync(id) == ("ignored", "order_never_came"), "the event is given up");
    }

    [Fact]
    public async Task Signature_is_fresh_for_300_seconds()
    {
        var now = DateTimeOffset.UtcNow;
        _app.Time.StopAt(now);
        foreach (var (age, status) in new[] { (299, HttpStatusCode.OK), (301, HttpStatusCode.BadRequest), (-301, HttpStatusCode.BadRequest) })
        {
            using var answer = await _app.DeliverAsync(Fixture.Event("note.written", Fixture.Read("charge")), signedAt: now.AddSeconds(-age));
            answer.StatusCode.ShouldBe(status, $"{age} s");
        }
    }

    private Task<long> AttemptsAsync(string id) => _app.CountAsync("select attempts::bigint from stripe_events where id = $1", id);

    private Task<long> SecondsToWaitAsync(string id, DateTimeOffset now) =>
        _app.CountAsync("select round(extract(epoch from due_at - $2))::bigint from stripe_events where id = $1", id, now);
}
