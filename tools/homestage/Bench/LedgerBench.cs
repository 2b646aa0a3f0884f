using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using HomeStage.Tool.Deployments;
using HomeStage.Tool.Servers;
using HomeStage.Tool.Up;
using Npgsql;
using Spectre.Console;

namespace HomeStage.Tool.Bench;

/// <summary>Holds as staging-api takes them over HTTP, against pgbench calling the same function, on many accounts and on a single hot one.</summary>
internal static partial class LedgerBench
{
    private const int Clients = 16;
    private const int Accounts = 64;
    private const int Plenty = 100_000_000;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(30);

    public static async Task<IReadOnlyList<Figure>> RunAsync(Stack stack, DataFolder data, TimeSpan length, IAnsiConsole console, CancellationToken cancel)
    {
        var service = stack.Deployment.Services.Single(process => process.Name == "entitlements");
        var database = new NpgsqlConnectionStringBuilder(service.Settings["DATABASE_CONNECTION"]);
        await GrantAsync(stack.Servers.Facts.Postgres!.AdminConnection("entitlements"), Enumerable.Range(0, Accounts).Select(AccountOf), cancel);
        using var client = new HttpClient(new InternalToken(data, "staging-api", "entitlements")) { BaseAddress = new Uri(service.Settings["HTTP_URL"]) };

        var figures = new List<Figure>();
        foreach (var (name, accounts, atLeast) in ((string, int, double?)[])[("spread over 64 accounts", Accounts, null), ("one hot account", 1, 400)])
        {
            console.WriteLine($"Holds, {name}: pgbench…");
            var raw = await PgbenchAsync(database, accounts, length, data, cancel);
            console.WriteLine($"Holds, {name}: the service…");
            var ours = await Load.ClosedAsync(Clients, WarmUp, length, (number, stop) => HoldAsync(client, AccountOf(number % accounts), stop), cancel);
            ours.RequireAll("entitlements");
            figures.Add(new($"pgbench of take_hold, {name}", raw, "/s"));
            figures.Add(new($"holds, {name}", ours.PerSecond, "/s", atLeast));
            figures.Add(new($"holds against pgbench, {name}", ours.PerSecond / raw, "", 0.4));
            figures.Add(new($"p99 of a hold, {name}", ours.P99.TotalMilliseconds, " ms"));
        }

        figures.Add(new("rules of the ledger that are broken afterwards", await ViolationsAsync(stack.Servers.Facts.Postgres!.AdminConnection("entitlements"), cancel), "", AtMost: 0));
        return figures;
    }

    private static Guid AccountOf(int number) => new(number + 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    /// <summary>Gives accounts more credits than any benchmark uses.</summary>
    internal static async Task GrantAsync(string connection, IEnumerable<Guid> accounts, CancellationToken cancel)
    {
        await using var source = NpgsqlDataSource.Create(connection);
        foreach (var account in accounts)
        {
            await using var command = source.CreateCommand("select apply_payment(p_grant => gen_random_uuid(), p_account => $1, p_order => gen_random_uuid(), p_plan => 'bench', p_credits => $2, p_expires_at => now() + interval '1 year', p_now => now(), p_trace_parent => null)");
            command.Parameters.AddWithValue(account);
            command.Parameters.AddWithValue(Plenty);
            await command.ExecuteNonQueryAsync(cancel);
        }
    }

    private static async Task HoldAsync(HttpClient client, Guid account, CancellationToken cancel)
    {
        using var answer = await client.PutAsJsonAsync(
            $"internal/holds/{Guid.NewGuid()}", new { AccountId = account, Credits = 1, Variations = 1, Quality = "standard" }, cancel);
        answer.EnsureSuccessStatusCode();
    }

    private static async Task<double> PgbenchAsync(NpgsqlConnectionStringBuilder database, int accounts, TimeSpan length, DataFolder data, CancellationToken cancel)
    {
        var script = Path.Combine(data.FullPath, "hold.sql");
        await File.WriteAllTextAsync(script, $"""
            \set number random(1, {accounts})
            select * from take_hold(p_account => (lpad(to_hex(:number::int), 8, '0') || '-0000-0000-0000-000000000000')::uuid, p_job => gen_random_uuid(), p_price => 1, p_variations => 1, p_quality => 'standard', p_address_hash => null, p_free_limit => 3, p_free_window => interval '30 days', p_free_daily_budget => 1000, p_now => now(), p_trace_parent => null);
            """, cancel);
        var pgbench = Path.Combine(Executables.PostgresFolder()!, "pgbench");
        string[] arguments = ["-n", "-M", "prepared", "-c", $"{Clients}", "-j", "2", "-T", $"{(int)length.TotalSeconds}", "-f", script,
            "-h", database.Host!, "-p", $"{database.Port}", "-U", database.Username!, database.Database!];
        var start = new ProcessStartInfo(pgbench, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PGPASSWORD"] = database.Password;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(cancel);
        var output = await process.StandardOutput.ReadToEndAsync(cancel);
        await process.WaitForExitAsync(cancel);
        return Tps().Match(output) is { Success: true } found && process.ExitCode == 0
            ? double.Parse(found.Groups["tps"].ValueSpan, CultureInfo.InvariantCulture)
            : throw new ToolException($"pgbench failed: {await errors}");
    }

    private static async Task<long> ViolationsAsync(string connection, CancellationToken cancel)
    {
        await using var source = NpgsqlDataSource.Create(connection);
        await using var command = source.CreateCommand("select count(*) from ledger_violations()");
        command.CommandTimeout = 300;
        return (long)(await command.ExecuteScalarAsync(cancel))!;
    }

    [GeneratedRegex(@"^tps = (?<tps>[0-9.]+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Tps();
}
