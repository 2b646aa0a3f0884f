using HomeStage.Entitlements.Credits;
using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.Credits;

[Collection(nameof(OneService))]
public sealed class FreezingTests(EntitlementsFixture fixture)
{
    private readonly EntitlementsApp _app = fixture.App;
    private readonly Guid _account = Guid.CreateVersion7();
    private readonly Guid _order = Guid.CreateVersion7();
    private readonly Guid _job = Guid.CreateVersion7();

    [Fact]
    public async Task Credits_of_a_disputed_payment_cannot_be_used_and_their_time_stands_still()
    {
        await _app.GrantAsync(_account, _order, 5, days: 10);
        var end = _app.Clock.Now.AddDays(10);
        _app.Clock.Pass(TimeSpan.FromDays(9));

        await DisputeAsync(revision: 1, open: true);

        var credits = await _app.CreditsAsync(_account);
        ((int)credits["available"]!, (int)credits["frozen"]!).ShouldBe((0, 5));
        var grant = await _app.GrantOfAsync(_account, _order);
        ((int)grant["remaining"]!, (string)grant["status"]!, (string)grant["frozenReasons"]![0]!).ShouldBe((5, "frozen", "dispute"));
        (await _app.HoldAsync(_job, Hold(_account))).Code.ShouldBe("insufficient_credits");

        _app.Clock.Pass(TimeSpan.FromDays(30));
        await _app.Sweep.SweepAsync(TestContext.Current.CancellationToken);
        await DisputeAsync(revision: 2, open: false);

        grant = await _app.GrantOfAsync(_account, _order);
        ((string)grant["status"]!, (DateTimeOffset)grant["expiresAt"]!).ShouldBe(("active", end.AddDays(30)));
        (await _app.HoldAsync(_job, Hold(_account))).Status.ShouldBe(200);
        (await _app.EntriesAsync(_account)).ShouldBe("grant 5, freeze 5, thaw 5, hold -1");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_grant_is_frozen_until_the_last_reason_is_gone()
    {
        await _app.GrantAsync(_account, _order, 5, days: 10);
        var end = _app.Clock.Now.AddDays(10);
        await DisputeAsync(revision: 1, open: true);
        _app.Clock.Pass(TimeSpan.FromDays(1));
        (await FreezeAsync()).Status.ShouldBe(200);
        _app.Clock.Pass(TimeSpan.FromDays(1));
        await DisputeAsync(revision: 2, open: false);

        (await _app.AvailableAsync(_account)).ShouldBe(0);
        _app.Clock.Pass(TimeSpan.FromDays(1));
        (await ThawAsync()).Status.ShouldBe(200);

        ((DateTimeOffset)(await _app.GrantOfAsync(_account, _order))["expiresAt"]!).ShouldBe(end.AddDays(3));
        (await _app.EntriesAsync(_account)).ShouldBe("grant 5, freeze 5, thaw 5");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Open_holds_settle_as_usual_and_what_they_release_stays_frozen()
    {
        await _app.GrantAsync(_account, _order, 5, days: 1);
        await _app.HoldAsync(_job, Hold(_account, credits: 3));
        await DisputeAsync(revision: 1, open: true);
        _app.Clock.Pass(TimeSpan.FromDays(5));

        var settled = await _app.SettleAsync(_account, _job, creditsUsed: 1);

        (settled.Captured, settled.Released, settled.Expired).ShouldBe((1, 2, 0));
        var credits = await _app.CreditsAsync(_account);
        ((int)credits["available"]!, (int)credits["frozen"]!, (int)credits["held"]!).ShouldBe((0, 4, 0));
        await DisputeAsync(revision: 2, open: false);
        (await _app.AvailableAsync(_account)).ShouldBe(4);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_lost_dispute_ends_the_freeze_and_takes_the_credits()
    {
        await _app.GrantAsync(_account, _order, 5, days: 10);
        await DisputeAsync(revision: 1, open: true);

        await _app.AdjustAsync(_order, 900, 900, revision: 2);

        (await _app.EntriesAsync(_account)).ShouldBe("grant 5, freeze 5, revoke -5, thaw 0");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_frozen_account_keeps_everything_frozen_also_what_comes_later()
    {
        await _app.GrantAsync(_account, _order, 5, days: 10);
        (await FreezeAsync()).Status.ShouldBe(200);
        (await FreezeAsync()).Status.ShouldBe(200);

        await _app.GrantAsync(_account, 7, days: 20);
        (await _app.CommandAsync($"/support/accounts/{_account}/grants", new { credits = 2, validForDays = 5, reason = "goodwill" })).Status.ShouldBe(200);

        var credits = await _app.CreditsAsync(_account);
        ((int)credits["available"]!, (int)credits["frozen"]!).ShouldBe((0, 14));
        (await _app.HoldAsync(_job, Hold(_account))).Status.ShouldBe(403);
        (await ThawAsync()).Status.ShouldBe(200);
        (await _app.AvailableAsync(_account)).ShouldBe(14);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_was_over_before_it_froze_stays_over_when_it_thaws()
    {
        await _app.GrantAsync(_account, _order, 5, days: 1);
        await _app.HoldAsync(_job, Hold(_account, credits: 5));
        _app.Clock.Pass(TimeSpan.FromDays(2));
        await _app.SettleAsync(_account, _job, creditsUsed: 0, "failed");
        var again = Guid.CreateVersion7();
        await _app.HoldAsync(again, Hold(_account, credits: 5));
        _app.Clock.Pass(TimeSpan.FromHours(23));

        // Held in the day of grace: neither the freeze nor the thaw makes it a hold from before the end.
        await FreezeAsync();
        _app.Clock.Pass(TimeSpan.FromDays(10));
        await ThawAsync();
        _app.Clock.Pass(TimeSpan.FromHours(2));
        await _app.SettleAsync(_account, again, creditsUsed: 0, "failed");

        (await _app.AvailableAsync(_account)).ShouldBe(0);
        (await _app.EntriesAsync(_account)).ShouldEndWith("release 5, expire -5");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_frozen_account_gets_nothing_for_free_either()
    {
        (await FreezeAsync()).Status.ShouldBe(404, "no hold or order has made the account yet");
        await _app.GrantAsync(_account, _order, 5, days: 10);
        (await FreezeAsync()).Status.ShouldBe(200);
        var household = $"h-{Guid.NewGuid():N}";

        var answer = await _app.HoldAsync(_job, Hold(_account, quality: "draft", addressHash: household));

        (answer.Status, answer.Code).ShouldBe((403, "account_frozen"));
        (await ThawAsync()).Status.ShouldBe(200);
        (await _app.HoldAsync(_job, Hold(_account, quality: "draft", addressHash: household))).Status.ShouldBe(200);
    }

    private Task<AdjustmentAnswer> DisputeAsync(long revision, bool open) => _app.AdjustAsync(_order, 900, 0, revision, open);

    private Task<Answer> FreezeAsync() => _app.CommandAsync($"/support/accounts/{_account}/freeze", new { reason = "looking into it" });

    private Task<Answer> ThawAsync() => _app.CommandAsync($"/support/accounts/{_account}/thaw", new { reason = "all is well" });
}
