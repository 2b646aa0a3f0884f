using HomeStage.Tool.Deployments;
using HomeStage.Tool.Servers;
using Npgsql;
using Xunit;

namespace HomeStage.Testing;

/// <summary>A database with the two roles that a service has: one that owns the schema, one that it runs with.</summary>
public sealed class TestDatabase : IAsyncDisposable
{
    private const string Password = "test";
    private readonly PostgresFacts _postgres;

    private TestDatabase(PostgresFacts postgres, string name)
    {
        _postgres = postgres;
        Name = name;
        DdlRole = Databases.DdlRole(name);
        AppRole = Databases.AppRole(name);
    }

    /// <summary>The database's name.</summary>
    public string Name { get; }

    /// <summary>The role that owns the database and its schema.</summary>
    public string DdlRole { get; }

    /// <summary>The role that the service runs with: <c>MIGRATE_APP_ROLE</c>.</summary>
    public string AppRole { get; }

    /// <summary><c>DATABASE_CONNECTION</c>: the application role.</summary>
    public string Connection => _postgres.Connection(Name, AppRole, Password);

    /// <summary><c>MIGRATE_DATABASE_CONNECTION</c>: the owner role.</summary>
    public string DdlConnection => _postgres.Connection(Name, DdlRole, Password);

    /// <summary>The superuser, for looking at what others may not.</summary>
    public string AdminConnection => _postgres.AdminConnection(Name);

    /// <summary>Makes a database on any PostgreSQL, also on one that a test started for itself.</summary>
    public static async Task<TestDatabase> CreateAsync(PostgresFacts postgres)
    {
        var database = new TestDatabase(postgres, $"test_{Guid.NewGuid():N}"[..20]);
        await Databases.EnsureAsync(postgres, database.Name, Password, Password, TestContext.Current.CancellationToken);
        return database;
    }

    /// <summary>Drops the database and its roles, whoever is still connected.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await using var connection = new NpgsqlConnection(_postgres.AdminConnection());
            await connection.OpenAsync();
            foreach (var statement in (string[])[$"drop database if exists {Name} with (force)", $"drop role if exists {AppRole}", $"drop role if exists {DdlRole}"])
            {
                await using var command = new NpgsqlCommand(statement, connection);
                await command.ExecuteNonQueryAsync();
            }
        }
        catch (NpgsqlException)
        {
            // The server was a test's own and is gone, with the database.
        }
    }
}
