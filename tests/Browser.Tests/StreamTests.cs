using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using HomeStage.Testing;
using HomeStage.Tool;
using Microsoft.Playwright;
using Npgsql;

namespace HomeStage.Browser.Tests;

/// <summary>Event streams as real clients read them, through the gateway: Chromium's EventSource and npm's.</summary>
public sealed class StreamTests(RunningSystem running)
{
    private const int Streams = 6;
    private const int Cuts = 17;
    private const string Open = """
        count => { window.seen = [];
          for (let number = 0; number < count; number++) {
            const list = []; window.seen.push(list);
            const source = new EventSource('/api/v1/events');
            for (const name of ['snapshot', 'credits']) source.addEventListener(name, event => list.push(name + ' ' + event.lastEventId));
          } }
        """;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_hundred_forced_reconnects_lose_nothing_and_repeat_nothing()
    {
        await using var proxy = new CuttingProxy(running.Stack.PublicUrl.Port);
        var origin = $"http://localhost:{proxy.Port}";
        await using var context = await running.Browser.NewContextAsync();
        var page = await context.NewPageAsync();
        // The page itself has a stream open, and Chromium opens six connections to a host at most.
        await page.GotoAsync(origin + "/docs/");
        var session = await page.EvaluateAsync<JsonElement>("() => fetch('/api/v1/session').then(answer => answer.json())");
        var account = session.GetProperty("accountId").GetGuid();
        var cookie = (await context.CookiesAsync()).Single(cookie => cookie.Name == "__Host-homestage");

        await page.EvaluateAsync(Open, Streams);
        var lines = new ConcurrentQueue<string>();
        using var node = await NodeProgram.StartAsync(
            Path.Combine(SourceTree.Root, "tests", "npm", "eventsource.mjs"), lines.Enqueue,
            $"{Streams}", origin + "/api/v1/events", $"{cookie.Name}={cookie.Value}", "snapshot", "credits");
        await UntilAsync(page, lines, list => list.Count == 1);

        await using var database = NpgsqlDataSource.Create(running.Stack.AdminConnection("staging"));
        for (var cut = 1; cut <= Cuts; cut++)
        {
            // One event that has arrived before the cut, one around it, one while nobody is connected.
            await AppendAsync(database, account);
            await UntilAsync(page, lines, list => list.Count >= 1 + ((cut - 1) * 3) + 1);
            await AppendAsync(database, account);
            proxy.Cut();
            await AppendAsync(database, account);
            await UntilAsync(page, lines, list => list.Count >= 1 + (cut * 3));
        }

        var expected = Enumerable.Range(1, Cuts * 3).Select(n => $"credits {n}").Prepend("snapshot 0").ToList();
        foreach (var list in await ListsAsync(page, lines))
            list.Select(entry => entry.Split('.')[0]).ShouldBe(expected);
        node.Kill();
    }

    private static async Task AppendAsync(NpgsqlDataSource database, Guid account)
    {
        await using var command = database.CreateCommand("""
            with counter as (
                insert into account_streams (account_id, last_event) values ($1, 1)
                on conflict (account_id) do update set last_event = account_streams.last_event + 1 returning last_event)
            insert into events (account_id, account_n, type, body) select $1, last_event, 'credits', '{"at":"2026-01-01T00:00:00Z"}'::json from counter
            """);
        command.Parameters.AddWithValue(account);
        await command.ExecuteNonQueryAsync(Stop);
    }

    private static Task UntilAsync(IPage page, ConcurrentQueue<string> lines, Func<List<string>, bool> arrived) => Eventually.Async(
        async () => (await ListsAsync(page, lines)) is { Count: 2 * Streams } lists && lists.All(arrived), "every stream has what was sent so far");

    /// <summary>What each stream got, in order: <c>credits 7.9f86d081</c>.</summary>
    private static async Task<List<List<string>>> ListsAsync(IPage page, ConcurrentQueue<string> lines)
    {
        var browser = await page.EvaluateAsync<string[][]>("() => window.seen");
        var npm = lines.Select(line => line.Split(' ', 2)).GroupBy(parts => int.Parse(parts[0], CultureInfo.InvariantCulture)).Select(group => group.Select(parts => parts[1]).ToList());
        return [.. browser.Select(list => list.ToList()), .. npm];
    }
}
