using HomeStage.Testing;

namespace HomeStage.EndToEnd.Tests;

/// <summary>What deploy/restore does after the broker's messages were lost, or databases of different moments were restored.</summary>
[Collection(SharedStack.Collection)]
public sealed class RestoreTests(SharedStack shared)
{
    private static readonly string Scripts = Path.Combine(Tool.SourceTree.Root, "deploy", "restore");

    private TestStack Stack => shared.Stack;

    [Fact]
    public async Task What_was_lost_is_said_again_and_what_had_arrived_changes_nothing()
    {
        var since = DateTimeOffset.UtcNow.AddMinutes(-1);
        using var visitor = await Visitor.ArriveAsync(Stack);
        var order = await visitor.BuyAsync("value");
        var job = await visitor.StageAsync();
        await visitor.EndedAsync(job);
        await AvailableAsync(visitor, 19);
        // Of another order, half of which went back, and of another job, which failed, no message ever arrived.
        await QueryAsync("billing", $$"""
            insert into orders select (jsonb_populate_record(o, '{"session_id": null, "session_url": null, "payment_intent_id": null, "amount_refunded": 1250, "revision": 2}'
              || jsonb_build_object('id', gen_random_uuid()))).* from orders o where id = '{{order}}'
            """);
        var lost = Guid.CreateVersion7();
        await QueryAsync("entitlements", $"select result from holds h, take_hold(h.account_id, '{lost}', 1, 1, 'standard', null, 0, '1 day', 0, now(), null) where h.job_id = '{job}'");
        await QueryAsync("staging", $$"""
            insert into jobs select (jsonb_populate_record(j, '{"id": "{{lost}}", "status": "failed", "credits_used": 0, "pictures": []}')).* from jobs j where id = '{{job}}'
            """);
        await AvailableAsync(visitor, 18);

        await SayAgainAsync(since);
        await AvailableAsync(visitor, 19 + 10);
        await SayAgainAsync(since);
        // Comes through the same queue, behind what was said.
        await visitor.BuyAsync("quick");

        await AvailableAsync(visitor, 19 + 10 + 5);
        (await QueryAsync("entitlements", $"select state from holds where job_id = '{lost}'")).ShouldBe(["settled"]);
        (await Ledger.ViolationsAsync(Stack)).ShouldBeEmpty();
        (await ToolCommand.SupportAsync(Stack, "dead-letters"))["queues"]!.AsArray()
            .Where(queue => ((string)queue!["queue"]!).StartsWith("entitlements.", StringComparison.Ordinal)).ShouldAllBe(queue => (int)queue!["messages"]! == 0);
    }

    /// <summary>Runs the scripts as psql would, and waits until the broker has all that they wrote.</summary>
    private async Task SayAgainAsync(DateTimeOffset since)
    {
        foreach (var database in (string[])["billing", "staging", "entitlements"])
        {
            var script = await File.ReadAllTextAsync(Path.Combine(Scripts, database + ".sql"), TestContext.Current.CancellationToken);
            await QueryAsync(database, script.Replace(":'since'", $"'{since:O}'", StringComparison.Ordinal));
        }

        foreach (var database in (string[])["billing", "staging", "entitlements"])
            await Eventually.Async(async () => (await QueryAsync(database, "select id from outbox")).Count == 0, $"{database} has said all it had to say");
    }

    private static Task AvailableAsync(Visitor visitor, int credits) =>
        Eventually.Async(async () => await visitor.AvailableAsync() == credits, $"{credits} credits are available");

    private Task<List<string>> QueryAsync(string database, string sql) => Ledger.QueryAsync(Stack, database, sql);
}
