using HomeStage.Billing.Orders;
using HomeStage.Billing.Tests.Support;
using HomeStage.Billing.Webhooks;
using HomeStage.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace HomeStage.Billing.Tests.Webhooks;

/// <summary>The statement that stores events names the columns of an order's facts; this finds the one that it forgets.</summary>
public sealed class StoredFactsTests(TestServers servers) : IAsyncLifetime
{
    private BillingApp _app = null!;

    public async ValueTask InitializeAsync() => _app = await BillingApp.StartAsync(servers);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    [Fact]
    public async Task Every_fact_of_an_order_that_changed_is_written_with_the_event()
    {
        var cancel = TestContext.Current.CancellationToken;
        var order = _app.LateOrder();
        await _app.PlaceLateAsync(order);
        var facts = typeof(Order).GetProperties().Where(property => property.SetMethod is { IsPrivate: true }).ToList();
        facts.Count.ShouldBeGreaterThan(8);
        var now = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

        await using (var db = await DatabaseAsync())
        {
            await using var transaction = await db.Database.BeginTransactionAsync(cancel);
            var locked = (await db.LockOrdersAsync([order.Id], cancel))[order.Id];
            foreach (var fact in facts)
                fact.SetValue(locked, Other(fact.PropertyType));
            var happened = new StoredEvent
            {
                Id = "evt_of_facts",
                Type = "checkout.session.completed",
                Livemode = false,
                CreatedAt = now,
                ReceivedAt = now,
                Payload = [1, 2, 3],
                Source = EventSource.Webhook,
                OrderId = order.Id,
                State = EventState.Applied,
                SettledAt = now,
            };
            (await db.StoreAsync([happened], cancel)).ShouldBe(["evt_of_facts"]);
            await transaction.CommitAsync(cancel);
        }

        await using var after = await DatabaseAsync();
        var written = await after.Orders.AsNoTracking().SingleAsync(row => row.Id == order.Id, cancel);
        foreach (var fact in facts)
            fact.GetValue(written).ShouldBe(Other(fact.PropertyType), fact.Name);

        object Other(Type type) => (Nullable.GetUnderlyingType(type) ?? type) switch
        {
            var known when known == typeof(DateTimeOffset) => now,
            var known when known == typeof(long) => 7L,
            var known when known == typeof(bool) => true,
            var known when known == typeof(string) => "other",
            _ => throw new NotSupportedException($"Say here what a {type.Name} may change to."),
        };
    }

    private Task<BillingDb> DatabaseAsync() =>
        _app.Services.GetRequiredService<IDbContextFactory<BillingDb>>().CreateDbContextAsync(TestContext.Current.CancellationToken);
}
