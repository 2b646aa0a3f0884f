using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Npgsql;

namespace HomeStage.Hosting.Migrations;

/// <summary>
/// Applies numbered SQL files, embedded in the assemblies, in order, each in its own transaction, under an advisory lock,
/// and remembers their checksums. <c>${app}</c> in a file stands for the role that the service runs as.
/// </summary>
public sealed partial class MigrationRunner
{
    // Any constant of ours: it only has to be the same in every replica.
    private const long LockKey = 0x486F6D655374616;

    private readonly IReadOnlyList<Migration> _migrations;

    /// <summary>Reads the migrations of the given assemblies; numbers must be unique over all of them.</summary>
    public MigrationRunner(params IReadOnlyList<Assembly> assemblies)
    {
        _migrations = [.. assemblies.Distinct().SelectMany(Read).OrderBy(migration => migration.Number)];
        if (_migrations.GroupBy(migration => migration.Number).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new MigrationException($"Two migrations have the number {twice.Key}.");
    }

    /// <summary>The number of the newest migration that this build knows.</summary>
    public int Newest => _migrations.Count == 0 ? 0 : _migrations[^1].Number;

    /// <summary>Applies what is missing.</summary>
    /// <param name="dataSource">A role that may change the schema.</param>
    /// <param name="appRole">The role that is granted what the service needs.</param>
    /// <param name="cancellationToken">Ends between two files.</param>
    /// <exception cref="MigrationException">A file that was applied has been changed since, or one failed.</exception>
    public async Task ApplyAsync(NpgsqlDataSource dataSource, string appRole, CancellationToken cancellationToken)
    {
        if (!RoleName().IsMatch(appRole))
            throw new MigrationException("MIGRATE_APP_ROLE must be a plain role name: lower-case letters, digits and underscores.");
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await ExecuteAsync(connection, $"select pg_advisory_lock({LockKey})", cancellationToken);
        try
        {
            await ExecuteAsync(connection, $"""
                create table if not exists schema_migrations (
                    number int primary key, name text not null, checksum text not null, applied_at timestamptz not null default now());
                grant select on schema_migrations to {appRole};
                """, cancellationToken);
            var applied = await AppliedAsync(connection, cancellationToken);
            foreach (var migration in _migrations)
            {
                if (!applied.TryGetValue(migration.Number, out var checksum))
                    await ApplyAsync(connection, migration, appRole, cancellationToken);
                else if (checksum != migration.Checksum)
                    throw new MigrationException($"Migration {migration.Name} was changed after it had been applied: undo the change and add a new file.");
            }
        }
        finally
        {
            await ExecuteAsync(connection, $"select pg_advisory_unlock({LockKey})", CancellationToken.None);
        }
    }

    private static async Task ApplyAsync(NpgsqlConnection connection, Migration migration, string appRole, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        try
        {
            await ExecuteAsync(connection, migration.Sql.Replace("${app}", appRole, StringComparison.Ordinal), cancellationToken);
        }
        catch (PostgresException error)
        {
            throw new MigrationException($"Migration {migration.Name} failed: {error.MessageText} ({error.SqlState}, position {error.Position}).", error);
        }

        await using var record = new NpgsqlCommand("insert into schema_migrations (number, name, checksum) values ($1, $2, $3)", connection, transaction)
        {
            Parameters = { new() { Value = migration.Number }, new() { Value = migration.Name }, new() { Value = migration.Checksum } },
        };
        await record.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    private static async Task<Dictionary<int, string>> AppliedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var applied = new Dictionary<int, string>();
        await using var command = new NpgsqlCommand("select number, checksum from schema_migrations", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            applied.Add(reader.GetInt32(0), reader.GetString(1));
        return applied;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        // A migration may rewrite a large table.
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static IEnumerable<Migration> Read(Assembly assembly)
    {
        foreach (var resource in assembly.GetManifestResourceNames())
        {
            var match = FileName().Match(resource);
            if (!match.Success)
                continue;
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!, Encoding.UTF8);
            var sql = reader.ReadToEnd().ReplaceLineEndings("\n");
            var checksum = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(sql)));
            yield return new Migration(int.Parse(match.Groups["number"].ValueSpan), match.Groups["name"].Value, sql, checksum);
        }
    }

    [GeneratedRegex(@"\.(?<name>(?<number>\d{4})_[a-z0-9_]+)\.sql$", RegexOptions.None, 1000)]
    private static partial Regex FileName();

    [GeneratedRegex("^[a-z_][a-z0-9_]{0,62}$", RegexOptions.None, 1000)]
    private static partial Regex RoleName();

    private sealed record Migration(int Number, string Name, string Sql, string Checksum);
}

/// <summary>A schema could not be brought up to date; the message says why and what to do.</summary>
public sealed class MigrationException(string message, Exception? inner = null) : Exception(message, inner);
