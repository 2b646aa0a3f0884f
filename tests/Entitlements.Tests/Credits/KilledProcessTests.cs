using System.Net.Http.Json;
using HomeStage.Testing;
using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.Credits;

/// <summary>
/// The service as a process of its own is killed at every statement of a grant, a hold and a settlement. The broker delivers again,
/// staging-api asks again, and the end is the same as if nothing had happened.
/// </summary>
public sealed class KilledProcessTests(TestServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_process_that_dies_at_any_statement_leaves_the_ledger_as_if_it_had_not()
    {
        await using var app = await StartAsync(servers);
        await app.StopServingAsync();
        await using var tap = PostgresTap.Start(servers.Postgres);
        await using var service = new Restarted(new Dictionary<string, string>(app.Settings, StringComparer.Ordinal)
        {
            ["DATABASE_CONNECTION"] = tap.Through(app.Database.Connection),
        });

        var killed = 0;
        foreach (var moment in Enum.GetValues<KillMoment>())
        {
            killed += await KillAtEachStatementAsync(app, service, tap, moment, "insert into inbox", "grant 20", (account, _, again) =>
                again ? Task.CompletedTask : app.PublishAsync(Payment(account, Guid.CreateVersion7(), TimeProvider.System.GetUtcNow())));
            killed += await KillAtEachStatementAsync(app, service, tap, moment, "take_hold", "grant 9, hold -3", async (account, job, again) =>
            {
                if (!again)
                    await app.GrantAsync(account, 9);
                using var http = new HttpClient { BaseAddress = new Uri(app.Settings["HTTP_URL"]) };
                using var request = new HttpRequestMessage(HttpMethod.Put, $"/internal/holds/{job}") { Content = JsonContent.Create(Hold(account, 3)) };
                request.Headers.Authorization = new("Bearer", app.ServiceToken("staging-api", TimeProvider.System));
                using var answer = await http.SendAsync(request, Cancel);
                ((int)answer.StatusCode).ShouldBe(200);
            });
        }

        // Its consumer is like that of the payment, where both moments were tried.
        killed += await KillAtEachStatementAsync(
            app, service, tap, KillMoment.BeforeAnswer, "insert into inbox", "grant 9, hold -3, capture 2, release 1", async (account, job, again) =>
            {
                if (again)
                    return;
                await app.GrantAsync(account, 9);
                (await app.Ledger.TakeHoldAsync(job, Hold(account, 3), Cancel)).Result.ShouldBe("taken");
                await app.PublishAsync(Settlement(account, job, creditsUsed: 2));
            });

        killed.ShouldBeGreaterThanOrEqualTo(11, "three transactions of three statements at least, and twice a statement that is its own");
        (await app.ViolationsAsync()).ShouldBeEmpty();
    }

    /// <summary>Does something for a new account each time, with the process killed at the first statement of it, the second, … until none is left.</summary>
    private static async Task<int> KillAtEachStatementAsync(
        EntitlementsApp app, Restarted service, PostgresTap tap, KillMoment moment, string begins, string end, Func<Guid, Guid, bool, Task> ask)
    {
        for (var statement = 1; ; statement++)
        {
            var (account, job) = (Guid.CreateVersion7(), Guid.CreateVersion7());
            var process = await service.RunningAsync();
            tap.Arm(statement, moment, sql => sql.Contains(begins, StringComparison.Ordinal), process.KillAsync);
            try
            {
                await ask(account, job, false);
            }
            catch (HttpRequestException)
            {
                // It was killed before it answered.
            }

            await Eventually.Async(async () => process.Exited.IsCompleted || await EntriesAsync(app, account) == end, "it is dead or done");
            if (tap.Disarm())
                return statement - 1;
            await process.Exited.WaitAsync(Cancel);
            await service.RunningAsync();
            await ask(account, job, true);

            await Eventually.Async(async () => await EntriesAsync(app, account) == end, $"the ledger says {end}, killed at statement {statement}");
        }
    }

    private static Task<string> EntriesAsync(EntitlementsApp app, Guid account) => app.ScalarAsync<string>($"""
        select coalesce(string_agg(kind || ' ' || case amount when 0 then quantity else amount end, ', ' order by number), '')
        from ledger_entries where account_id = '{account}'
        """);

    /// <summary>The service's process: the one that lives, or a new one.</summary>
    private sealed class Restarted(IReadOnlyDictionary<string, string> settings) : IAsyncDisposable
    {
        private ServiceProcess? _process;

        public async ValueTask DisposeAsync()
        {
            if (_process is not null)
                await _process.DisposeAsync();
        }

        internal async Task<ServiceProcess> RunningAsync()
        {
            if (_process is { Exited.IsCompleted: false } living)
                return living;
            await DisposeAsync();
            _process = await ServiceProcess.StartAsync(EntitlementsService.Name, settings);
            await _process.UntilReadyAsync(settings["MANAGEMENT_URL"]);
            return _process;
        }
    }
}
