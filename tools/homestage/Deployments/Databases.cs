using HomeStage.Tool.Servers;
using Npgsql;

namespace HomeStage.Tool.Deployments;

/// <summary>A service's database: an owner role for migrations, and a role to run with that can reach this database alone.</summary>
public static class Databases
{
    /// <summary>What no role but the superuser may reach.</summary>
    internal const string CloseDefaults = "revoke connect on database postgres, template1 from public;";

    private const string Attributes = "login nosuperuser nocreatedb nocreaterole";

    /// <summary>The role that owns the database and migrates it.</summary>
    public static string DdlRole(string database) => database + "_ddl";

    /// <summary>The role that the service runs with; migrations grant to it.</summary>
    public static string AppRole(string database) => database + "_app";

    /// <summary>Makes database and roles if they are not there, and sets the passwords.</summary>
    /// <param name="postgres">The server, as its superuser.</param>
    /// <param name="database">A plain lower-case name.</param>
    /// <param name="ddlPassword">Of the owner role.</param>
    /// <param name="appPassword">Of the role to run with.</param>
    /// <param name="cancel">Stops waiting.</param>
    public static async Task EnsureAsync(PostgresFacts postgres, string database, string ddlPassword, string appPassword, CancellationToken cancel)
    {
        var (ddl, app) = (DdlRole(database), AppRole(database));
        await using (var server = await OpenAsync(postgres.AdminConnection(), cancel))
        {
            await EnsureRoleAsync(server, ddl, ddlPassword, cancel);
            await EnsureRoleAsync(server, app, appPassword, cancel);
            if (!await ExistsAsync(server, $"select 1 from pg_database where datname = '{database}'", cancel))
                await RunAsync(server, $"create database {database} owner {ddl}", cancel);
            await RunAsync(server, GrantsOnDatabase(database), cancel);
        }
        await using var connection = await OpenAsync(postgres.AdminConnection(database), cancel);
        await RunAsync(connection, GrantsOnSchema(database), cancel);
    }

    /// <summary>
    /// The same for an empty server, as a script for <c>psql</c> as its superuser, or as a managed server's administrator, who may make
    /// databases and roles: to give a database to a role one has to be a member of it.
    /// </summary>
    internal static string Script(string database, string ddlPassword, string appPassword) => $"""
        create role {DdlRole(database)} {Attributes} password '{ddlPassword}';
        create role {AppRole(database)} {Attributes} password '{appPassword}';
        grant {DdlRole(database)} to current_user;
        create database {database} owner {DdlRole(database)};
        {GrantsOnDatabase(database)}
        \connect {database}
        {GrantsOnSchema(database)}

        """;

    private static string GrantsOnDatabase(string database) => $"""
        revoke all on database {database} from public;
        grant connect on database {database} to {DdlRole(database)}, {AppRole(database)};
        """;

    private static string GrantsOnSchema(string database) => $"""
        alter schema public owner to {DdlRole(database)};
        revoke all on schema public from public;
        grant usage on schema public to {AppRole(database)};
        """;

    /// <summary>Closes the databases that every server has to everyone but the superuser.</summary>
    internal static async Task CloseDefaultDatabasesAsync(PostgresFacts postgres, CancellationToken cancel)
    {
        await using var server = await OpenAsync(postgres.AdminConnection(), cancel);
        await RunAsync(server, CloseDefaults, cancel);
    }

    private static async Task EnsureRoleAsync(NpgsqlConnection server, string role, string password, CancellationToken cancel)
    {
        if (!await ExistsAsync(server, $"select 1 from pg_roles where rolname = '{role}'", cancel))
            await RunAsync(server, $"create role {role} {Attributes}", cancel);
        await RunAsync(server, $"alter role {role} password '{password}'", cancel);
    }

    private static async Task<NpgsqlConnection> OpenAsync(string connectionString, CancellationToken cancel)
    {
        var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync(cancel);
        return connection;
    }

    private static async Task<bool> ExistsAsync(NpgsqlConnection connection, string query, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(query, connection);
        return await command.ExecuteScalarAsync(cancel) is not null;
    }

    private static async Task RunAsync(NpgsqlConnection connection, string statement, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(statement, connection);
        await command.ExecuteNonQueryAsync(cancel);
    }
}
