using System.Net;
using HomeStage.Billing.Tests.Support;
using HomeStage.Contracts;
using HomeStage.Testing;
using MassTransit;

namespace HomeStage.Billing.Tests.Accounts;

public sealed class AccountMergedTests(BillingFixture fixture) : IClassFixture<BillingFixture>
{
    private BillingApp App => fixture.App;

    [Fact]
    public async Task Orders_of_a_merged_account_belong_to_the_one_it_went_into()
    {
        var into = Guid.CreateVersion7();
        var order = await App.PayOrderAsync();
        await MergeAsync((order.AccountId, into));
        using var one = await App.SendAsync(HttpMethod.Get, $"/api/v1/orders/{order.Id}", into, "member");
        one.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var list = await App.SendAsync(HttpMethod.Get, "/api/v1/orders", into, "member");
        ((Guid)(await BillingApp.BodyAsync(list))["items"]!.AsArray().ShouldHaveSingleItem()!["id"]!).ShouldBe(order.Id);
        // The other way round nothing is shared, and the order keeps the account that placed it.
        var own = await App.PlaceOrderAsync(owner: into);
        using var foreign = await App.SendAsync(HttpMethod.Get, $"/api/v1/orders/{own.Id}", order.AccountId);
        foreign.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await App.CountAsync("select count(*) from orders where id = $1 and account_id = $2", order.Id, order.AccountId)).ShouldBe(1);
    }

    [Fact]
    public async Task Idempotency_key_that_was_used_before_the_merge_is_still_used()
    {
        var (from, into) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        using var first = await App.CheckOutAsync(from, idempotencyKey: "k1");
        await MergeAsync((from, into));
        using var again = await App.CheckOutAsync(into, idempotencyKey: "k1", kind: "member");
        (await BillingApp.BodyAsync(again)).ToJsonString().ShouldBe((await BillingApp.BodyAsync(first)).ToJsonString());
        using var other = await App.CheckOutAsync(into, "pro", "k1", "member");
        other.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        using var fresh = await App.CheckOutAsync(into, idempotencyKey: "k2", kind: "member");
        fresh.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Chain_is_flat_in_whatever_order_its_links_arrive_and_how_often()
    {
        foreach (var order in new int[][] { [0, 1, 2], [2, 1, 0], [1, 0, 2], [0, 2, 1, 0, 2] })
        {
            var (a, b, c, d) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
            (Guid, Guid)[] links = [(a, b), (b, c), (c, d)];
            foreach (var link in order)
                await MergeAsync(links[link]);
            (await App.CountAsync("select count(*) from account_aliases where into_account = $1 and from_account = any($2)", d, new[] { a, b, c })).ShouldBe(3);
        }
    }

    [Fact]
    public async Task Links_of_a_chain_at_once_are_flat()
    {
        var accounts = Enumerable.Range(0, 9).Select(_ => Guid.CreateVersion7()).ToArray();
        await MergeAsync([.. accounts.Zip(accounts.Skip(1))]);
        (await App.CountAsync("select count(*) from account_aliases where into_account = $1", accounts[^1])).ShouldBe(8);
    }

    /// <summary>Publishes as entitlements does, all at once, and waits until billing has received them.</summary>
    private async Task MergeAsync(params (Guid From, Guid Into)[] merges)
    {
        var before = await ReceivedAsync();
        var bus = Bus.Factory.CreateUsingRabbitMq(rabbit => rabbit.Host(new Uri(App.BrokerAdminUrl)));
        await bus.StartAsync(TestContext.Current.CancellationToken);
        try
        {
            await Task.WhenAll(merges.Select(merge => bus.Publish(new AccountMerged { From = merge.From, Into = merge.Into }, TestContext.Current.CancellationToken)));
        }
        finally
        {
            await bus.StopAsync(TestContext.Current.CancellationToken);
        }

        await Eventually.Async(async () => await ReceivedAsync() == before + merges.Length, "the merges are received");
    }

    private Task<long> ReceivedAsync() => App.CountAsync("select count(*) from inbox where consumer = 'account-merged'");
}
