using HomeStage.Testing;
using Npgsql;

namespace HomeStage.EndToEnd.Tests;

/// <summary>What the databases say when everything is over.</summary>
internal static class Ledger
{
    /// <summary>Rows that break one of the ledger's rules.</summary>
    internal static Task<List<string>> ViolationsAsync(TestStack stack) =>
        QueryAsync(stack, "entitlements", "select rule || ': ' || subject || ': ' || found from ledger_violations()");

    internal static async Task<List<string>> QueryAsync(TestStack stack, string database, string sql)
    {
        // Not from the pool, where connections from before an outage are.
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(stack.AdminConnection(database)) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var rows = new List<string>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
            rows.Add(reader.GetValue(0).ToString()!);
        return rows;
    }
}
