using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.Credits;

public sealed class ConcurrencyTests(EntitlementsFixture fixture) : IClassFixture<EntitlementsFixture>
{
    private const int Clients = 64;
    private readonly EntitlementsApp _app = fixture.App;

    [Fact]
    public async Task Sixty_four_clients_on_one_account_get_what_there_is_and_not_one_credit_more()
    {
        var account = Guid.CreateVersion7();
        await _app.GrantAsync(account, 60, days: 30);
        await _app.GrantAsync(account, 40, days: 60);

        var taken = await Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => HoldAndSettleHalfAsync(account)));

        // Each takes 2 and gives 1 back, some before and some after others ask: at least 50 of 64 fit into 100 credits.
        taken.Count(hold => hold).ShouldBeGreaterThanOrEqualTo(50);
        (await _app.AvailableAsync(account)).ShouldBe(100 - taken.Count(hold => hold));
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Sixty_four_clients_on_as_many_accounts_of_one_household_do_not_stand_in_each_others_way()
    {
        var accounts = Enumerable.Range(0, Clients).Select(_ => Guid.CreateVersion7()).ToArray();
        var household = $"h-{Guid.NewGuid():N}";
        await Parallel.ForEachAsync(accounts, TestContext.Current.CancellationToken, async (account, _) => await _app.GrantAsync(account, 4));

        var holds = accounts.SelectMany(account => new Func<Task<bool>>[]
        {
            () => HoldAndSettleHalfAsync(account),
            () => HoldAndSettleHalfAsync(account),
            () => FreeAsync(Guid.CreateVersion7(), household),
        });
        var taken = 0;
        // Each client asks for one thing after the other: more at once than the service has connections for would be refused as too busy.
        await Parallel.ForEachAsync(
            holds, new ParallelOptions { MaxDegreeOfParallelism = Clients, CancellationToken = TestContext.Current.CancellationToken }, async (hold, _) =>
            {
                if (await hold())
                    Interlocked.Increment(ref taken);
            });

        taken.ShouldBe((2 * Clients) + 3);
        foreach (var account in accounts)
            (await _app.AvailableAsync(account)).ShouldBe(2);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    private async Task<bool> FreeAsync(Guid account, string household)
    {
        var answer = await _app.HoldAsync(Guid.CreateVersion7(), Hold(account, quality: "draft", addressHash: household));
        answer.Status.ShouldBeOneOf(200, 402);
        return answer.Status == 200;
    }

    private async Task<bool> HoldAndSettleHalfAsync(Guid account)
    {
        var job = Guid.CreateVersion7();
        var answer = await _app.HoldAsync(job, Hold(account, credits: 2));
        answer.Status.ShouldBeOneOf(200, 402);
        if (answer.Status == 200)
            (await _app.SettleAsync(account, job, creditsUsed: 1)).Result.ShouldBe("settled");
        return answer.Status == 200;
    }
}
