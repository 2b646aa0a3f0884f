using HomeStage.Hosting.Configuration;
using HomeStage.Hosting.Health;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace HomeStage.Hosting.Migrations;

/// <summary>The service's own database.</summary>
public static class DatabaseExtensions
{
    /// <summary>
    /// Adds the data source, a factory for <typeparamref name="TDb"/>, the migration of its assembly, and readiness only once the
    /// schema is at least as new as this build. Reads <c>DATABASE_CONNECTION</c>, <c>DATABASE_POOL</c> and <c>TRUSTED_CA_FILE</c>; for migrations
    /// <c>MIGRATE_DATABASE_CONNECTION</c> and <c>MIGRATE_APP_ROLE</c>.
    /// </summary>
    public static void AddDatabase<TDb>(this ServiceBuilder service)
        where TDb : DbContext
    {
        var runner = new MigrationRunner(typeof(DatabaseExtensions).Assembly, typeof(TDb).Assembly);
        var connection = ConnectionString(service.Settings, "DATABASE_CONNECTION", "the connection string of the service's own database role");
        var pool = service.Settings.WholeNumber("DATABASE_POOL", 20, 1, 500, "connections that one replica may hold");
        var authority = TrustedAuthority.Read(service.Settings);
        service.Services.AddSingleton(provider => Connect(service.Name, connection, authority, pool, provider.GetRequiredService<ILoggerFactory>()));
        service.Services.AddPooledDbContextFactory<TDb>((provider, options) => options
            .UseNpgsql(provider.GetRequiredService<NpgsqlDataSource>())
            .UseSnakeCaseNames());
        service.Services.AddSingleton(provider => SchemaCheck(provider.GetRequiredService<NpgsqlDataSource>(), runner.Newest));
        service.AddMigration(settings =>
        {
            var ddl = ConnectionString(settings, "MIGRATE_DATABASE_CONNECTION", "the connection string of the role that owns the schema");
            var ownersAuthority = TrustedAuthority.Read(settings);
            var appRole = settings.Required("MIGRATE_APP_ROLE", "the name of the role that the service runs as");
            return async cancellationToken =>
            {
                await using var dataSource = Builder(ddl, ownersAuthority).Build();
                await runner.ApplyAsync(dataSource, appRole, cancellationToken);
            };
        });
    }

    private static string ConnectionString(Settings settings, string name, string meaning)
    {
        var text = settings.Required(name, meaning);
        try
        {
            var connection = new NpgsqlConnectionStringBuilder(text);
            if (connection is { Host: null } or { Username: null } or { Database: null })
                settings.Refuse(name, "must name Host, Username and Database: " + meaning);
            else if (settings.Production && IsUnverified(connection))
                settings.Refuse(name, "encrypts without verifying the server: use SSL Mode=VerifyFull, with TRUSTED_CA_FILE for an authority of your own");
        }
        catch (ArgumentException)
        {
            settings.Refuse(name, "is not an Npgsql connection string such as Host=…;Username=…;Password=…;Database=…");
        }

        return text;
    }

    /// <summary>Whether the connection is encrypted without a look at whom it is encrypted for, which keeps out nobody who can be in between.</summary>
    private static bool IsUnverified(NpgsqlConnectionStringBuilder connection) =>
        connection.SslMode is SslMode.Require or SslMode.VerifyCA;

    private static NpgsqlDataSourceBuilder Builder(string connection, TrustedAuthority? authority)
    {
        var builder = new NpgsqlDataSourceBuilder(connection);
        builder.ConnectionStringBuilder.RootCertificate ??= authority?.File;
        return builder;
    }

    private static NpgsqlDataSource Connect(string name, string connection, TrustedAuthority? authority, int pool, ILoggerFactory loggers)
    {
        var builder = Builder(connection, authority);
        builder.UseLoggerFactory(loggers);
        // The pool's label in metrics, which would be the connection string.
        builder.Name = name;
        builder.ConnectionStringBuilder.ApplicationName = name;
        builder.ConnectionStringBuilder.MaxPoolSize = pool;
        // Bounded waits: a request answers 503 rather than pile up behind a database that is away.
        builder.ConnectionStringBuilder.Timeout = 5;
        builder.ConnectionStringBuilder.CommandTimeout = 10;
        builder.ConnectionStringBuilder.CancellationTimeout = 1000;
        builder.ConnectionStringBuilder.KeepAlive = 15;
        // Nothing here leaves state in a session, and the reset would throw away every plan that the database's functions keep in it.
        builder.ConnectionStringBuilder.NoResetOnClose = true;
        // What is asked often is parsed and planned once for each connection. So no statement that stays over a migration may say
        // "select *" of a table: a plan whose columns change fails once.
        builder.ConnectionStringBuilder.MaxAutoPrepare = 100;
        return builder.Build();
    }

    private static ReadinessCheck SchemaCheck(NpgsqlDataSource dataSource, int newest)
    {
        var reached = false;
        return new ReadinessCheck("schema", async cancellationToken =>
        {
            // Once there it stays: a later outage of the database is a metric, not a reason to take every replica away.
            if (reached)
                return null;
            try
            {
                await using var command = dataSource.CreateCommand("select coalesce(max(number), 0) from schema_migrations");
                var number = (int)(await command.ExecuteScalarAsync(cancellationToken))!;
                reached = number >= newest;
                return reached ? null : $"is at {number}, this build needs {newest}: run the migrate mode";
            }
            catch (NpgsqlException)
            {
                return "cannot be read: is the database up and migrated?";
            }
        });
    }
}
