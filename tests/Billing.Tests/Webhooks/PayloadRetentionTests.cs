using HomeStage.Billing.Tests.Support;
using HomeStage.Billing.Webhooks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace HomeStage.Billing.Tests.Webhooks;

public sealed class PayloadRetentionTests(BillingFixture fixture) : IClassFixture<BillingFixture>
{
    private BillingApp App => fixture.App;

    [Fact]
    public async Task Payload_is_emptied_when_its_time_is_over_and_its_event_still_counts_once()
    {
        var order = await App.PlaceOrderAsync();
        var happened = Fixture.Event("checkout.session.completed", Fixture.Session(order.Id, order.SessionId));
        await App.DeliverOkAsync(happened);
        await SettledDaysAgoAsync(order, 89);
        await EmptyAsync();
        (await EmptyCountAsync(order)).ShouldBe(0);
        await SettledDaysAgoAsync(order, 91);
        await EmptyAsync();
        (await EmptyCountAsync(order)).ShouldBe(1);

        await App.DeliverOkAsync(happened);
        (await App.PaymentsAsync(order.Id)).ShouldHaveSingleItem();
        var explanation = (await App.SupportAsync(HttpMethod.Get, $"orders/{order.Id}/explanation"))!;
        explanation["steps"]!.AsArray().Select(step => (string)step!["what"]!).ShouldContain("checkout.session.completed");
    }

    [Fact]
    public async Task Event_that_waits_keeps_what_it_has_to_say()
    {
        var order = App.LateOrder();
        var happened = Fixture.Event("checkout.session.completed", Fixture.Session(order.Id));
        await App.DeliverOkAsync(happened);
        await App.ExecuteAsync("update stripe_events set received_at = now() - interval '100 days', due_at = now() + interval '1 hour' where order_id = $1", order.Id);
        await EmptyAsync();
        (await App.CountAsync("select count(*) from stripe_events where order_id = $1 and payload <> ''", order.Id)).ShouldBe(1);
    }

    [Fact]
    public async Task Service_can_change_no_payload_and_empty_none_of_the_last_thirty_days()
    {
        var order = await App.PlaceOrderAsync();
        await App.DeliverOkAsync(Fixture.Event("checkout.session.completed", Fixture.Session(order.Id, order.SessionId)));
        await SettledDaysAgoAsync(order, 29);
        await using var database = NpgsqlDataSource.Create(App.Connection);
        await using var change = database.CreateCommand("update stripe_events set payload = ''");
        (await Should.ThrowAsync<PostgresException>(() => change.ExecuteNonQueryAsync(TestContext.Current.CancellationToken))).SqlState
            .ShouldBe(PostgresErrorCodes.InsufficientPrivilege);
        await using var empty = database.CreateCommand("select empty_payloads(now(), 1000)");
        await empty.ExecuteScalarAsync(TestContext.Current.CancellationToken);
        (await EmptyCountAsync(order)).ShouldBe(0);
    }

    private Task EmptyAsync() =>
        App.Services.GetServices<IHostedService>().OfType<PayloadRetention>().Single().EmptyAsync(TestContext.Current.CancellationToken);

    private Task SettledDaysAgoAsync(PlacedOrder order, int days) =>
        App.ExecuteAsync("update stripe_events set settled_at = now() - $2 * interval '1 day' where order_id = $1", order.Id, days);

    private Task<long> EmptyCountAsync(PlacedOrder order) =>
        App.CountAsync("select count(*) from stripe_events where order_id = $1 and payload = ''", order.Id);
}
