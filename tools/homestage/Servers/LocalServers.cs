namespace HomeStage.Tool.Servers;

/// <summary>
/// PostgreSQL, RabbitMQ and Redis for one data folder: on loopback, on free ports, with passwords, nothing shared with the
/// servers of the machine. They end when this process ends, however it does.
/// </summary>
public sealed class LocalServers : IAsyncDisposable
{
    private LocalServers(PostgresServer? postgres, RabbitMqServer? rabbitMq, RedisServer? redis)
    {
        (Postgres, RabbitMq, Redis) = (postgres, rabbitMq, redis);
        Facts = new(postgres?.Facts, rabbitMq?.Facts, redis?.Facts);
    }

    /// <summary>How to reach the servers.</summary>
    public ServerFacts Facts { get; }

    /// <summary>The PostgreSQL, if one was asked for.</summary>
    public LocalServer? Postgres { get; }

    /// <summary>The RabbitMQ, if one was asked for.</summary>
    public LocalServer? RabbitMq { get; }

    /// <summary>The Redis, if one was asked for.</summary>
    public LocalServer? Redis { get; }

    internal IEnumerable<LocalServer> All => new[] { Postgres, RabbitMq, Redis }.OfType<LocalServer>();

    /// <summary>Where the servers will be; each is then to be started.</summary>
    internal static LocalServers Plan(LocalServersOptions options)
    {
        Directory.CreateDirectory(options.Folder);
        return new(
            options.Postgres ? new PostgresServer(options) : null,
            options.RabbitMq ? new RabbitMqServer(options) : null,
            options.Redis ? new RedisServer(options) : null);
    }

    /// <summary>Starts the servers side by side and returns when each of them answers.</summary>
    /// <exception cref="ToolException">One cannot start; the message says why, and none is left running.</exception>
    public static async Task<LocalServers> StartAsync(LocalServersOptions options, CancellationToken cancel = default)
    {
        var servers = Plan(options);
        try
        {
            await Task.WhenAll(servers.All.Select(server => server.StartAsync(cancel)));
            return servers;
        }
        catch
        {
            await servers.StopAsync();
            throw;
        }
    }

    /// <summary>Stops the servers; the database last, because the others' users may still be writing.</summary>
    public async Task StopAsync()
    {
        await Task.WhenAll(RabbitMq?.StopAsync() ?? Task.CompletedTask, Redis?.StopAsync() ?? Task.CompletedTask);
        if (Postgres is not null)
            await Postgres.StopAsync();
    }

    /// <inheritdoc cref="StopAsync"/>
    public async ValueTask DisposeAsync() => await StopAsync();
}
