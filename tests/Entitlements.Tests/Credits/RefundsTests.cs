using HomeStage.Testing;
using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.Credits;

[Collection(nameof(OneService))]
public sealed class RefundsTests(EntitlementsFixture fixture)
{
    private readonly EntitlementsApp _app = fixture.App;
    private readonly Guid _account = Guid.CreateVersion7();
    private readonly Guid _order = Guid.CreateVersion7();
    private readonly Guid _job = Guid.CreateVersion7();

    [Theory]
    [InlineData(2500, 0, 0)]
    [InlineData(2500, 1, 1)]
    [InlineData(2500, 125, 1)]
    [InlineData(2500, 126, 2)]
    [InlineData(2500, 1250, 10)]
    [InlineData(2500, 2499, 20)]
    [InlineData(2500, 2500, 20)]
    [InlineData(0, 0, 0)]
    [InlineData(99_999_999_999_999, 99_999_999_999_998, 20)]
    public async Task A_refund_takes_back_its_share_of_the_credits_rounded_up(long paid, long returned, int revoked)
    {
        await _app.GrantAsync(_account, _order, 20, days: 30);

        (await _app.AdjustAsync(_order, paid, returned, revision: 1)).Revoked.ShouldBe(revoked);

        (await _app.AvailableAsync(_account)).ShouldBe(20 - revoked);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_refund_takes_only_what_is_there_and_the_rest_when_it_comes_back()
    {
        await _app.GrantAsync(_account, _order, 20, days: 30);
        await _app.HoldAsync(_job, Hold(_account, credits: 12));
        await _app.SettleAsync(_account, _job, creditsUsed: 12);
        var open = Guid.CreateVersion7();
        await _app.HoldAsync(open, Hold(_account, credits: 5));

        (await _app.AdjustAsync(_order, 2500, 2500, revision: 1)).Revoked.ShouldBe(3);
        await _app.SettleAsync(_account, open, creditsUsed: 1);

        (await _app.EntriesAsync(_account)).ShouldBe("grant 20, hold -12, capture 12, hold -5, revoke -3, capture 1, release 4, revoke -4");
        (await _app.AvailableAsync(_account)).ShouldBe(0);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_refund_that_fails_gives_the_credits_back()
    {
        await _app.GrantAsync(_account, _order, 20, days: 30);
        await _app.AdjustAsync(_order, 2500, 1000, revision: 3);

        (await _app.AdjustAsync(_order, 2500, 500, revision: 4)).Restored.ShouldBe(4);

        (await _app.EntriesAsync(_account)).ShouldBe("grant 20, revoke -8, restore 4");
        var items = (await _app.GetAsync("/api/v1/credits/entries", _account)).Ok()["items"]!.AsArray();
        items.Select(item => (string)item!["description"]!).ShouldBe([
            "4 credits restored: the money was not returned after all", "8 credits taken back: the money was returned", "Bought 20 credits (value pack)"]);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Credits_restored_to_a_pack_that_is_over_are_usable_for_a_day()
    {
        await _app.GrantAsync(_account, _order, 20, days: 1);
        await _app.AdjustAsync(_order, 2500, 2500, revision: 1);
        _app.Clock.Pass(TimeSpan.FromDays(2));

        await _app.AdjustAsync(_order, 2500, 0, revision: 2);

        var grant = await _app.GrantOfAsync(_account, _order);
        ((int)grant["remaining"]!, (string)grant["status"]!, (DateTimeOffset)grant["expiresAt"]!).ShouldBe((20, "grace", _app.Clock.Now.AddHours(24)));
        _app.Clock.Pass(TimeSpan.FromHours(24));
        (await _app.AvailableAsync(_account)).ShouldBe(0);
        await _app.SweepAsync();
        (await _app.EntriesAsync(_account)).ShouldBe("grant 20, revoke -20, restore 20, expire -20");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_expired_before_the_refund_is_not_taken_twice()
    {
        await _app.GrantAsync(_account, _order, 20, days: 1);
        await _app.HoldAsync(_job, Hold(_account, credits: 2));
        await _app.SettleAsync(_account, _job, creditsUsed: 2);
        _app.Clock.Pass(TimeSpan.FromDays(1));

        (await _app.AdjustAsync(_order, 2500, 2500, revision: 1)).Revoked.ShouldBe(0);

        (await _app.EntriesAsync(_account)).ShouldBe("grant 20, hold -2, capture 2, expire -18");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_newest_revision_stands_whatever_comes_late_or_twice()
    {
        await _app.GrantAsync(_account, _order, 20, days: 30);
        long[] returned = [0, 500, 2500, 1000];
        var revisions = Enumerable.Range(1, 3).SelectMany(revision => Enumerable.Repeat(revision, 5)).ToArray();
        Random.Shared.Shuffle(revisions);

        await Task.WhenAll(revisions.Select(revision => _app.PublishAsync(Adjustment(_order, 2500, returned[revision], revision))));

        await Eventually.Async(
            async () => await _app.ScalarAsync<long>($"select coalesce(max(revision), 0) from payment_adjustments where order_id = '{_order}'") == 3, "the newest is kept");
        (await _app.AvailableAsync(_account)).ShouldBe(12);
        (await _app.AdjustAsync(_order, 2500, 2500, revision: 2)).Result.ShouldBe("stale");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_is_known_of_the_money_before_the_payment_arrives_is_applied_with_it()
    {
        (await _app.AdjustAsync(_order, 2500, 1250, revision: 2, dispute: true)).Result.ShouldBe("kept");

        await _app.PublishAsync(Payment(_account, _order, _app.Clock.Now));

        await Eventually.Async(async () => await _app.EntriesAsync(_account) == "grant 20, revoke -10, freeze 10", "it was applied");
        (await _app.AvailableAsync(_account)).ShouldBe(0);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_payment_and_its_adjustment_at_the_same_moment_always_meet()
    {
        var orders = Enumerable.Range(0, 60).Select(_ => Guid.CreateVersion7()).ToArray();

        await Parallel.ForEachAsync(orders, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (order, _) =>
            await Task.WhenAll(_app.GrantAsync(Guid.CreateVersion7(), order, 20, 30), _app.AdjustAsync(order, 2500, 2500, 1)));

        (await _app.ScalarAsync<long>($"select sum(remaining) from grants where order_id = any(array[{string.Join(',', orders.Select(order => $"'{order}'::uuid"))}])"))
            .ShouldBe(0);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }
}
