using System.Collections.Concurrent;
using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using HomeStage.Contracts;
using HomeStage.Entitlements.Credits;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.FSharp.Core;
using Npgsql;
using Shouldly;
using Xunit;

namespace HomeStage.Entitlements.Tests.Credits;

/// <summary>
/// Random programs against real PostgreSQL. The seed is printed; <c>LEDGER_SEED</c> repeats a run, <c>LEDGER_PROGRAMS</c> says how many.
/// </summary>
public sealed class LedgerPropertyTests(EntitlementsFixture fixture) : IClassFixture<EntitlementsFixture>
{
    private const int FreeLimit = 3;
    private static readonly TimeSpan FreeWindow = TimeSpan.FromDays(30);
    private readonly EntitlementsApp _app = fixture.App;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Any_program_does_what_the_model_does(int accounts) =>
        Check(LedgerProgram.Programs(accounts), steps => FollowsTheModelAsync(accounts, steps), count: 40);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Any_programs_run_side_by_side_keep_every_invariant(int accounts) =>
        Check(LedgerProgram.Programs(accounts), steps => SurvivesSideBySideAsync(accounts, steps), count: 30);

    private static void Check(Arbitrary<Step[]> programs, Func<Step[], Task> property, int count)
    {
        var seed = ulong.TryParse(Environment.GetEnvironmentVariable("LEDGER_SEED"), out var given) ? given : (ulong)Random.Shared.NextInt64();
        count = int.TryParse(Environment.GetEnvironmentVariable("LEDGER_PROGRAMS"), out var asked) ? asked : count;
        TestContext.Current.SendDiagnosticMessage("LEDGER_SEED={0}", seed.ToString(CultureInfo.InvariantCulture));
        TestContext.Current.TestOutputHelper?.WriteLine($"LEDGER_SEED={seed}");
        var config = Config.QuickThrowOnFailure.WithMaxTest(count)
            .WithReplay(FSharpOption<Replay>.Some(new Replay(new Rnd(seed, 1), FSharpOption<int>.None)));
        Prop.ForAll(programs, property).Check(config);
    }

    private async Task FollowsTheModelAsync(int accounts, Step[] steps)
    {
        var run = await Run.StartAsync(_app, accounts);
        var model = new LedgerModel(FreeLimit, FreeWindow);
        foreach (var step in steps)
        {
            // So that no two things happen at the same time and the order of burning is decided.
            _app.Clock.Pass(TimeSpan.FromSeconds(1));
            (await run.CarryOutAsync(step)).ShouldBe(run.Expect(model, step), $"after {step}");
            (await _app.ViolationsAsync()).ShouldBeEmpty($"after {step}");
        }

        await _app.SweepAsync();
        model.ExpireDue(_app.Clock.Now);
        (await run.PacksAsync()).ShouldBe(model.Packs
            .Select(pack => $"{pack.Order} of {pack.Account}: {pack.Remaining} remaining, {model.Held(pack)} held, {pack.Captured} captured, {pack.Expired} expired, "
                + $"{pack.RevokedByPayment} and {pack.RevokedBySupport} revoked, {pack.Adjusted} adjusted, until {pack.UsableUntil:s} {string.Join(' ', pack.Reasons)}")
            .Order(StringComparer.Ordinal));
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    private async Task SurvivesSideBySideAsync(int accounts, Step[] steps)
    {
        var run = await Run.StartAsync(_app, accounts);
        var lanes = steps.Chunk(Math.Max(1, steps.Length / 4)).Select(lane => Task.Run(async () =>
        {
            foreach (var step in lane.Where(step => step is not Step.Pass))
                await run.CarryOutAsync(step);
        }));
        // Everything a second time and backwards, so that all of it also meets itself.
        var all = Task.WhenAll([.. lanes, .. steps.Reverse().Where(step => step is not Step.Pass).Select(run.CarryOutAsync)]);
        // Whoever looks on sees nothing broken at any moment.
        do
            (await _app.ViolationsAsync()).ShouldBeEmpty();
        while (!all.IsCompleted);
        await all;

        _app.Clock.Pass(TimeSpan.FromHours(60));
        await _app.SweepAsync();
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    /// <summary>A program's accounts, orders and jobs, which no other program shares.</summary>
    private sealed class Run(EntitlementsApp app, int accounts)
    {
        private readonly Guid[] _accounts = [.. Enumerable.Range(0, accounts).Select(_ => Guid.CreateVersion7())];
        private readonly Guid[] _orders = [.. Enumerable.Range(0, LedgerProgram.Orders).Select(_ => Guid.CreateVersion7())];
        private readonly Guid[] _jobs = [.. Enumerable.Range(0, LedgerProgram.Jobs).Select(_ => Guid.CreateVersion7())];
        private readonly ConcurrentDictionary<int, Guid> _gifts = [];
        private readonly Dictionary<int, Step.Give> _givenFirst = [];
        private readonly string _household = EntitlementsApp.Household();

        internal static async Task<Run> StartAsync(EntitlementsApp app, int accounts)
        {
            var run = new Run(app, accounts);
            // Support acts only on accounts that exist.
            foreach (var account in run._accounts)
                await app.ExecuteAsync($"insert into accounts (id, created_at) values ('{account}', now())");
            return run;
        }

        internal async Task<string> CarryOutAsync(Step step)
        {
            switch (step)
            {
                case Step.Grant grant:
                    await using (var db = await app.OpenAsync())
                    {
                        var granted = await db.Database.SqlQuery<int>(
                            $"""
                            select granted as "Value" from apply_payment({Guid.CreateVersion7()}, {_accounts[grant.Account]}, {_orders[grant.Order]},
                              'value', {grant.Credits}, {app.Clock.Now.AddHours(grant.Hours)}, {app.Clock.Now}, null)
                            """).ToListAsync(Cancel);
                        return $"granted {granted[0]}";
                    }

                case Step.Hold hold:
                    var request = EntitlementsApp.Hold(
                        _accounts[hold.Account], hold.Credits, hold.Credits, hold.Draft ? "draft" : "standard", hold.Session ? _household : null);
                    var answer = await app.Ledger.TakeHoldAsync(_jobs[hold.Job], request, Cancel);
                    return Said(answer);
                case Step.Settle settle:
                    try
                    {
                        var settled = await app.SettleAsync(_accounts[settle.Account], _jobs[settle.Job], settle.Used, settle.Outcome);
                        return $"{settled.Result} {settled.Captured} {settled.Released}";
                    }
                    catch (PostgresException refused) when (refused.SqlState is PostgresErrorCodes.RaiseException or PostgresErrorCodes.UniqueViolation)
                    {
                        return "refused";
                    }

                case Step.HoldList list:
                    var taken = await app.Ledger.TakeHoldsAsync(
                        new HoldListRequest
                        {
                            AccountId = _accounts[list.Account],
                            AllOrNone = list.All,
                            AddressHash = list.Session ? _household : null,
                            Holds = [.. JobsOf(list).Select(job => new ListedHold
                            {
                                JobId = job, Credits = list.Credits, Variations = list.Credits, Quality = list.Draft ? "draft" : "standard",
                            })],
                        },
                        Cancel);
                    return string.Join(", ", taken.Select(one => Said(one.Alone)));
                case Step.Adjust adjust:
                    var adjusted = await app.AdjustAsync(_orders[adjust.Order], adjust.Paid, adjust.Returned, adjust.Revision, adjust.Dispute);
                    return $"{adjusted.Result} {adjusted.Revoked} {adjusted.Restored}";
                case Step.Give give:
                    // Whoever gives twice with one key gives once; with other figures, not at all.
                    var given = await app.CommandAsync(
                        $"/support/accounts/{_accounts[give.Account]}/grants", new { give.Credits, validForDays = give.Days, reason = "goodwill" }, $"{_household}-{give.Pack}");
                    if (given.Status == 200)
                        _gifts[give.Pack] = (Guid)given.Body!["id"]!;
                    return given.Status == 200 ? $"given {given.Body!["credits"]}" : given.Code!;
                case Step.Extend extend:
                    return await SupportAsync(
                        $"case when extend_grant({await GrantOfAsync(extend.Pack)}, {extend.Days}, 'desk-1', 'late', $2, null) then 'extended' else 'unknown' end");
                case Step.ExtendAll extend:
                    return await SupportAsync($"'extended ' || extend_account('{_accounts[extend.Account]}', {extend.Days}, 'desk-1', 'outage', $2, null)");
                case Step.Move move:
                    var credits = move.Credits is { } some ? $"{some}" : "null";
                    return await SupportAsync($"""
                        (select case result when 'done' then 'done ' || moved else result end
                        from move_credits({await GrantOfAsync(move.Pack)}, '{move.Kind}', {credits}, 'desk-1', 'as asked', $2, null))
                        """);
                case Step.Freeze freeze:
                    return await SupportAsync($"case when freeze_account('{_accounts[freeze.Account]}', {freeze.Frozen}, 'desk-1', $2, null) then '' else 'unknown' end");
                case Step.Block block:
                    var until = block.Hours is { } hours ? app.Clock.Now.AddHours(hours) : (DateTimeOffset?)null;
                    return $"{(await app.SupportAsync(HttpMethod.Put, $"/support/blocks/{_household}", new { until, reason = "many visitors at once" })).Status}";
                case Step.Unblock:
                    return $"{(await app.SupportAsync(HttpMethod.Delete, $"/support/blocks/{_household}", new { reason = "it was somebody else" })).Status}";
                case Step.Merge merge:
                    return await AskAsync($"select result from merge_accounts('{_accounts[merge.From]}', '{_accounts[merge.Into]}', $1, null)", app.Clock.Now);
                case Step.Pass pass:
                    app.Clock.Pass(TimeSpan.FromHours(pass.Hours));
                    return "";
                default:
                    await app.Sweep.SweepAsync(Cancel);
                    return "";
            }
        }

        internal string Expect(LedgerModel model, Step step) => step switch
        {
            Step.Grant grant => model.Grant(
                _accounts[grant.Account], _orders[grant.Order], grant.Credits, app.Clock.Now.AddHours(grant.Hours), app.Clock.Now),
            Step.Hold hold => model.Hold(_accounts[hold.Account], _jobs[hold.Job], hold.Credits, hold.Draft, hold.Session, app.Clock.Now),
            Step.Settle settle => model.Settle(_accounts[settle.Account], _jobs[settle.Job], settle.Used, settle.Outcome, app.Clock.Now),
            Step.HoldList list => model.HoldList(_accounts[list.Account], JobsOf(list), list.Credits, list.Draft, list.Session, list.All, app.Clock.Now),
            Step.Adjust adjust => model.Adjust(_orders[adjust.Order], adjust, app.Clock.Now),
            Step.Give give => Given(model, give),
            Step.Extend extend => model.Extend(PackOf(extend.Pack), extend.Days, app.Clock.Now),
            Step.ExtendAll extend => model.ExtendAll(_accounts[extend.Account], extend.Days, app.Clock.Now),
            Step.Move move => model.Move(PackOf(move.Pack), move.Kind, move.Credits, app.Clock.Now),
            Step.Freeze freeze => Frozen(model, freeze),
            Step.Block block => Blocked(model, block.Hours is { } hours ? app.Clock.Now.AddHours(hours) : DateTimeOffset.MaxValue),
            Step.Unblock => Blocked(model, until: null),
            Step.Merge merge => model.Merge(_accounts[merge.From], _accounts[merge.Into], app.Clock.Now),
            _ => "",
        };

        private static string Said(HoldAnswer answer) => answer.Result switch
        {
            "taken" => answer.Free ? "taken free" : $"taken {answer.Credits}",
            "insufficient" or "free_exhausted" or "free_blocked" =>
                $"{answer.Result}: {answer.Available} available, {answer.FreeLeft} free left, free if draft {answer.FreeIfDraft}",
            _ => answer.Result,
        };

        private string Frozen(LedgerModel model, Step.Freeze freeze)
        {
            model.Freeze(_accounts[freeze.Account], freeze.Frozen, app.Clock.Now);
            return "";
        }

        private static string Blocked(LedgerModel model, DateTimeOffset? until)
        {
            model.Block(until);
            return "200";
        }

        private string Given(LedgerModel model, Step.Give give)
        {
            if (_givenFirst.TryAdd(give.Pack, give))
                model.Give(_accounts[give.Account], _gifts[give.Pack], give.Credits, app.Clock.Now.AddDays(give.Days), app.Clock.Now);
            return _givenFirst[give.Pack] == give ? $"given {give.Credits}" : "idempotency_conflict";
        }

        /// <summary>What identifies a pack: its order, or the gift once it is given.</summary>
        private Guid PackOf(int pack) => pack < _orders.Length ? _orders[pack] : _gifts.GetValueOrDefault(pack);

        private Guid[] JobsOf(Step.HoldList list) => [.. Enumerable.Range(list.FirstJob, 3).Select(job => _jobs[job % _jobs.Length])];

        private async Task<string> GrantOfAsync(int pack) =>
            await AskAsync("select coalesce((select quote_literal(id) || '::uuid' from grants where $1 in (order_id, id)), 'gen_random_uuid()')", PackOf(pack));

        /// <summary>What a person does, with its line in the audit, in one statement.</summary>
        private Task<string> SupportAsync(string expression) => AskAsync($"""
            with audit as (
              insert into support_audit (id, at, actor, action, subject, reason, arguments) values ($1, $2, 'desk-1', 'program', '', '', '{"{}"}'))
            select {expression}
            """, Guid.CreateVersion7(), app.Clock.Now);

        private async Task<string> AskAsync(string sql, params object[] arguments)
        {
            await using var command = app.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(sql);
            foreach (var argument in arguments)
                command.Parameters.Add(new NpgsqlParameter { Value = argument });
            return (string)(await command.ExecuteScalarAsync(Cancel))!;
        }

        internal async Task<List<string>> PacksAsync()
        {
            await using var command = app.Admin.CreateCommand("""
                select coalesce(order_id, id) || ' of ' || account_id || ': ' || remaining || ' remaining, ' || held || ' held, ' || captured || ' captured, ' || expired
                  || ' expired, ' || revoked_by_payment || ' and ' || revoked_by_support || ' revoked, ' || adjusted || ' adjusted, until '
                  || to_char(usable_until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || ' '
                  || array_to_string(array(select unnest(frozen_reasons) order by 1), ' ')
                from grants where account_id = any($1)
                """);
            command.Parameters.Add(new NpgsqlParameter { Value = _accounts });
            await using var reader = await command.ExecuteReaderAsync(Cancel);
            var packs = new List<string>();
            while (await reader.ReadAsync(Cancel))
                packs.Add(reader.GetString(0));
            packs.Sort(StringComparer.Ordinal);
            return packs;
        }
    }
}
