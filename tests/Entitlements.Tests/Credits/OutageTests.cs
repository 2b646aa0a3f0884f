using HomeStage.Testing;
using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.Credits;

public sealed class OutageTests(TestServers servers)
{
    [Fact]
    public async Task While_the_storage_is_away_nothing_is_given_and_afterwards_all_is_well()
    {
        var postgres = await servers.StartPostgresAsync();
        await using var app = await StartAsync(servers, await TestDatabase.CreateAsync(postgres.Facts.Postgres!));
        var (account, order) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await app.GrantAsync(account, 5);
        var free = Hold(Guid.CreateVersion7(), quality: "draft", addressHash: "household");
        var paid = Hold(account);

        await postgres.Postgres!.StopAsync();

        var (freeJob, paidJob) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        foreach (var answer in new[]
        {
            await app.HoldAsync(freeJob, free),
            await app.HoldAsync(paidJob, paid),
            await app.GetAsync("/api/v1/credits", account),
            await app.GetAsync("/api/v1/credits/entries", account),
            await app.SendAsync(HttpMethod.Put, $"/internal/sessions/{Guid.CreateVersion7()}", "gateway", new { accountId = account, kind = "visitor" }),
        })
        {
            (answer.Status, answer.Code, (bool)answer.Body!["retryable"]!).ShouldBe((503, "usage_unavailable", true));
        }

        await app.PublishAsync(Payment(account, order, app.Clock.Now));
        await postgres.Postgres.StartAgainAsync(TestContext.Current.CancellationToken);

        await Eventually.Async(async () => (await app.HoldAsync(freeJob, free)).Status == 200, "free stagings are possible again");
        (await app.HoldAsync(paidJob, paid)).Status.ShouldBe(200);
        await Eventually.Async(async () => await app.AvailableAsync(account) == 24, "the payment that came meanwhile is granted");
        (await app.DeadLettersAsync("entitlements.payment-completed")).ShouldBeEmpty();
        (await app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_storage_that_hangs_is_closed_too_and_repeating_the_request_takes_once()
    {
        var postgres = await servers.StartPostgresAsync();
        await using var app = await StartAsync(servers, await TestDatabase.CreateAsync(postgres.Facts.Postgres!));
        var (account, job) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await app.GrantAsync(account, 5);

        postgres.Postgres!.Freeze();
        var answer = await app.HoldAsync(job, Hold(account, credits: 2));
        postgres.Postgres.Thaw();

        (answer.Status, answer.Code).ShouldBe((503, "usage_unavailable"));
        await Eventually.Async(async () => (await app.HoldAsync(job, Hold(account, credits: 2))).Status == 200, "the hold is possible again");
        (await app.EntriesAsync(account)).ShouldBe("grant 5, hold -2");
    }
}
