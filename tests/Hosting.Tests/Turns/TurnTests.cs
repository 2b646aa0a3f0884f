using HomeStage.Hosting.Turns;
using HomeStage.Testing;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace HomeStage.Hosting.Tests.Turns;

public sealed class TurnTests(TestServers servers) : IAsyncLifetime
{
    private const long Key = 4711;

    private TestDatabase _database = null!;
    private NpgsqlDataSource _admin = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await servers.CreateDatabaseAsync();
        _admin = NpgsqlDataSource.Create(_database.AdminConnection);
    }

    public async ValueTask DisposeAsync()
    {
        await _admin.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task One_has_the_turn_until_it_gives_it_back()
    {
        await using var source = NpgsqlDataSource.Create(_database.Connection);
        await using (await TakeAsync(source))
            (await TakeAsync(source)).ShouldBeNull();
        await using var next = await TakeAsync(source);
        next.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_turn_whose_connection_was_found_broken_meanwhile_ends_quietly()
    {
        // As in a service, only sooner: an idle connection looks by itself whether the server is still there.
        using var noticed = new Noticed();
        var builder = new NpgsqlDataSourceBuilder(_database.Connection + ";Keepalive=1");
        builder.UseLoggerFactory(noticed);
        await using var source = builder.Build();
        var turn = (await TakeAsync(source)).ShouldNotBeNull();
        await using (var end = _admin.CreateCommand("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = 4711"))
            await end.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await noticed.Found.Task.WaitAsync(TestContext.Current.CancellationToken);

        await turn.DisposeAsync();

        await using var next = await TakeAsync(source);
        next.ShouldNotBeNull();
    }

    private static Task<Turn?> TakeAsync(NpgsqlDataSource source) => Turn.TryTakeAsync(source, Key, TestContext.Current.CancellationToken);

    /// <summary>Learns from Npgsql's log when an idle connection is found broken.</summary>
    private sealed class Noticed : ILoggerFactory, ILogger
    {
        public TaskCompletionSource Found { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Name == "KeepaliveFailed")
                Found.TrySetResult();
        }

        public void Dispose()
        {
        }
    }
}
