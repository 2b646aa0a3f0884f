using HomeStage.Testing;
using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.Credits;

public sealed class ExpiryTests(EntitlementsFixture fixture) : IClassFixture<EntitlementsFixture>
{
    private readonly EntitlementsApp _app = fixture.App;
    private readonly Guid _account = Guid.CreateVersion7();
    private readonly Guid _job = Guid.CreateVersion7();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Credits_are_gone_at_their_end_whether_or_not_the_sweep_came_by()
    {
        await _app.GrantAsync(_account, 5, days: 1);
        await _app.HoldAsync(_job, Hold(_account, credits: 2));

        _app.Clock.Pass(TimeSpan.FromDays(1));

        var balance = await _app.CreditsAsync(_account);
        ((int)balance["available"]!, (int)balance["held"]!).ShouldBe((0, 2));
        balance["nextExpiry"].ShouldBeNull();
        ((int)balance["grants"]![0]!["remaining"]!, (string)balance["grants"]![0]!["status"]!).ShouldBe((0, "expired"));
        (await _app.HoldAsync(Guid.CreateVersion7(), Hold(_account))).Code.ShouldBe("insufficient_credits");
        (await _app.EntriesAsync(_account)).ShouldBe("grant 5, hold -2, expire -3");
    }

    [Fact]
    public async Task The_sweep_expires_what_nobody_touches_and_only_that()
    {
        var another = Guid.CreateVersion7();
        await _app.GrantAsync(_account, 5, days: 1);
        await _app.GrantAsync(_account, 2, days: 3);
        await _app.GrantAsync(another, 7, days: 1);
        _app.Clock.Pass(TimeSpan.FromDays(1) - TimeSpan.FromSeconds(1));
        await _app.Sweep.SweepAsync(Cancel);
        (await _app.EntriesAsync(_account)).ShouldBe("grant 5, grant 2");

        _app.Clock.Pass(TimeSpan.FromSeconds(1));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => _app.Sweep.SweepAsync(Cancel)));

        // Accounts that one sweep skipped were locked by another, or are left to the next.
        await Eventually.Async(async () =>
        {
            await _app.Sweep.SweepAsync(Cancel);
            return await _app.EntriesAsync(_account) == "grant 5, grant 2, expire -5" && await _app.EntriesAsync(another) == "grant 7, expire -7";
        }, "both have expired");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_hold_taken_before_the_end_survives_it_and_its_release_is_usable_for_a_day()
    {
        await _app.GrantAsync(_account, 5, days: 1);
        await _app.HoldAsync(_job, Hold(_account, credits: 3));
        _app.Clock.Pass(TimeSpan.FromDays(2));

        var settled = await _app.SettleAsync(_account, _job, creditsUsed: 1);

        (settled.Captured, settled.Released, settled.Expired).ShouldBe((1, 2, 2));
        (await _app.EntriesAsync(_account)).ShouldBe("grant 5, hold -3, expire -2, capture 1, release 2");
        (await _app.AvailableAsync(_account)).ShouldBe(2);
        var next = (await _app.CreditsAsync(_account))["nextExpiry"]!;
        ((DateTimeOffset)next["at"]!, (int)next["credits"]!).ShouldBe((_app.Clock.Now.AddHours(24), 2));

        _app.Clock.Pass(TimeSpan.FromHours(24));
        (await _app.AvailableAsync(_account)).ShouldBe(0);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Holding_and_canceling_does_not_renew_the_grace()
    {
        await _app.GrantAsync(_account, 2, days: 1);
        await _app.HoldAsync(_job, Hold(_account, credits: 2));
        _app.Clock.Pass(TimeSpan.FromDays(2));
        await _app.SettleAsync(_account, _job, creditsUsed: 0, "failed");
        var end = _app.Clock.Now.AddHours(24);

        _app.Clock.Pass(TimeSpan.FromHours(23));
        var again = Guid.CreateVersion7();
        (await _app.HoldAsync(again, Hold(_account, credits: 2))).Status.ShouldBe(200);
        await _app.SettleAsync(_account, again, creditsUsed: 0, "canceled");

        ((DateTimeOffset)(await _app.CreditsAsync(_account))["nextExpiry"]!["at"]!).ShouldBe(end);
        var last = Guid.CreateVersion7();
        (await _app.HoldAsync(last, Hold(_account, credits: 2))).Status.ShouldBe(200);
        _app.Clock.Pass(TimeSpan.FromHours(2));
        await _app.SettleAsync(_account, last, creditsUsed: 1);

        (await _app.AvailableAsync(_account)).ShouldBe(0);
        (await _app.EntriesAsync(_account)).ShouldEndWith("hold -2, capture 1, release 1, expire -1");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_release_before_the_end_brings_no_extra_time()
    {
        await _app.GrantAsync(_account, 2, days: 1);
        await _app.HoldAsync(_job, Hold(_account, credits: 2));
        _app.Clock.Pass(TimeSpan.FromDays(1) - TimeSpan.FromSeconds(1));
        await _app.SettleAsync(_account, _job, creditsUsed: 0, "failed");
        (await _app.AvailableAsync(_account)).ShouldBe(2);

        _app.Clock.Pass(TimeSpan.FromSeconds(1));

        (await _app.AvailableAsync(_account)).ShouldBe(0);
    }
}
