using System.Text.Json.Nodes;
using HomeStage.Billing.Tests.Support;
using HomeStage.Testing;

namespace HomeStage.Billing.Tests.Webhooks;

/// <summary>
/// Billing as a process that is killed (SIGKILL) at every statement in turn, once before it has the server's answer and once after;
/// then it is started again and Stripe delivers again, as it does where no answer came.
/// </summary>
public sealed class ProcessDeathTests(TestServers servers) : IAsyncLifetime
{
    private BillingProcess _billing = null!;

    public async ValueTask InitializeAsync() => _billing = await BillingProcess.StartAsync(servers);

    public ValueTask DisposeAsync() => _billing.DisposeAsync();

    [Theory]
    [InlineData(KillMoment.BeforeAnswer)]
    [InlineData(KillMoment.AfterAnswer)]
    public async Task Payment_is_recorded_once_wherever_the_process_dies(KillMoment moment)
    {
        // Lock, event with order and outbox, commit.
        (await KillAtEveryStatementAsync(
            moment,
            LocksOrder,
            _ => Task.CompletedTask,
            order => Fixture.Event("checkout.session.completed", Fixture.Session(order.Id, order.SessionId)),
            "paid, revision 1, 1 events applied, sent PaymentCompleted")).ShouldBe(3);
    }

    // A refund and a dispute take the same way; so each dies at one of the moments here, and at the other in ./homestage chaos.
    [Theory]
    [InlineData(false, KillMoment.BeforeAnswer)]
    [InlineData(true, KillMoment.AfterAnswer)]
    public Task Money_that_goes_back_is_taken_over_once_wherever_the_process_dies(bool disputed, KillMoment moment) => TakeOverAsync(disputed, moment);

    [Theory(Explicit = true)]
    [InlineData(false, KillMoment.AfterAnswer)]
    [InlineData(true, KillMoment.BeforeAnswer)]
    public Task Money_that_goes_back_is_taken_over_once_at_the_other_moments_too(bool disputed, KillMoment moment) => TakeOverAsync(disputed, moment);

    private async Task TakeOverAsync(bool disputed, KillMoment moment)
    {
        // Stored: payment looked for, event, commit. Applied: payment looked for; lock, settled, order with outbox, commit.
        (await KillAtEveryStatementAsync(
            moment,
            sql => LocksOrder(sql) || sql.Contains("payment_intent_id = ", StringComparison.Ordinal),
            async order =>
            {
                _billing.Account.Pay(order);
                (await _billing.DeliverAsync(Fixture.Event("checkout.session.completed", Fixture.Session(order.Id, order.SessionId)))).ShouldBe(200);
            },
            order => disputed
                ? Fixture.Event("charge.dispute.created", _billing.Account.Dispute(order))
                : Fixture.Event("refund.created", _billing.Account.Refund(order, 700)),
            $"{(disputed ? "disputed" : "partially refunded")}, revision 2, 2 events applied, sent PaymentAdjusted, PaymentCompleted")).ShouldBe(8);
    }

    /// <summary>How many statements it died at before one delivery survived.</summary>
    private async Task<int> KillAtEveryStatementAsync(
        KillMoment moment, Func<string, bool> belongs, Func<PlacedOrder, Task> prepareAsync, Func<PlacedOrder, JsonObject> happen, string end)
    {
        for (var statement = 1; ; statement++)
        {
            var order = await _billing.PlaceAsync();
            await prepareAsync(order);
            var happened = happen(order);
            _billing.Tap.Arm(statement, moment, belongs, _billing.KillAsync);
            await _billing.DeliverAsync(happened);
            var survived = false;
            await Eventually.Async(
                async () => _billing.Dead || (survived = await EndOfAsync(order) == end), $"the process is dead or done at statement {statement}");
            if (_billing.Tap.Disarm() && survived)
                return statement - 1;
            await _billing.EndAsync();
            await _billing.EndLeasesAsync();
            await _billing.RestartAsync();
            (await _billing.DeliverAsync(happened)).ShouldBe(200, $"statement {statement}");
            await Eventually.Async(async () => await EndOfAsync(order) == end, $"all is well in spite of statement {statement}");
        }
    }

    private static bool LocksOrder(string sql) => sql.Contains("for update", StringComparison.Ordinal) && sql.Contains("from orders", StringComparison.Ordinal);

    private Task<string> EndOfAsync(PlacedOrder order) => _billing.TextAsync(
        """
        select format('%s, revision %s, %s events applied, sent %s',
          case when dispute_open then 'disputed' when amount_refunded > 0 then 'partially refunded' when paid_at is not null then 'paid' else 'pending' end, revision,
          (select count(*) from stripe_events where order_id = orders.id and state = 'applied'),
          (select coalesce(string_agg(message_type, ', ' order by message_type), 'nothing') from outbox where body ->> 'orderId' = orders.id::text))
        from orders where id = $1
        """,
        order.Id);
}
