using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace HomeStage.Tool.Demo;

/// <summary>What the picture cost, as the ledger has it.</summary>
internal static class Receipt
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Waits until the ledger has settled the job, which follows its end by a message, and prints.</summary>
    public static async Task PrintAsync(GatewayClient gateway, string jobId, IReadOnlyList<string> files, IAnsiConsole console, CancellationToken cancel)
    {
        var entries = await SettledEntriesAsync(gateway, jobId, cancel);
        var credits = await gateway.GetAsync("/api/v1/credits", cancel);

        var table = new Table().Border(TableBorder.Rounded).Title("Receipt").AddColumns("when (UTC)", "what", "credits", "balance", "why");
        foreach (var entry in entries.Where(entry => Of(entry, "jobId") == jobId || Of(entry, "kind") == "grant").Reverse())
            table.AddRow(new[] { When(entry), Of(entry, "kind"), Amount(entry), Of(entry, "balanceAfter"), Of(entry, "description") }.Select(Markup.Escape).ToArray());
        console.Write(table);
        console.WriteLine($"{Sum(entries, "grant")} granted, {Sum(entries, "hold", jobId)} held, {Sum(entries, "capture", jobId)} captured, {credits["available"]} left.");
        foreach (var file in files)
            console.WriteLine(file);
    }

    private static async Task<List<JsonNode>> SettledEntriesAsync(GatewayClient gateway, string jobId, CancellationToken cancel)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var entries = (await gateway.GetAsync("/api/v1/credits/entries?limit=100", cancel))["items"]!.AsArray().OfType<JsonNode>().ToList();
            if (entries.Any(entry => Of(entry, "jobId") == jobId && Of(entry, "kind") is "capture" or "release"))
                return entries;
            if (TimeProvider.System.GetElapsedTime(started) > Patience)
                throw new ToolException($"The picture is there, but the ledger has not settled the job {jobId} within {Patience.TotalSeconds:0} s; the log of entitlements is in the data folder's logs/.");
            await Task.Delay(200, cancel);
        }
    }

    private static int Sum(IEnumerable<JsonNode> entries, string kind, string? jobId = null) => entries
        .Where(entry => Of(entry, "kind") == kind && (jobId is null || Of(entry, "jobId") == jobId))
        .Sum(entry => (int)entry["quantity"]!);

    /// <summary>A capture moves nothing: what it took was held before. Its quantity says how much that was.</summary>
    private static string Amount(JsonNode entry) => (int)entry["amount"]! is var amount and not 0 ? $"{amount:+0;-0}" : $"({entry["quantity"]})";

    private static string When(JsonNode entry) => ((DateTimeOffset)entry["at"]!).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    private static string Of(JsonNode entry, string name) => entry[name]?.ToString() ?? "";
}
