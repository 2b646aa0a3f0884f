using Npgsql;

namespace HomeStage.Hosting.Turns;

/// <summary>
/// The turn of one replica at work that only one may do at a time: an advisory lock of the service's database. It belongs to a connection
/// and ends with it, also when the process dies. No transaction is open on it.
/// </summary>
public sealed class Turn : IAsyncDisposable
{
    private readonly NpgsqlConnection _connection;
    private readonly long _key;

    private Turn(NpgsqlConnection connection, long key) => (_connection, _key) = (connection, key);

    /// <summary>Takes the turn; null if another replica has it. Dispose it when the work is done.</summary>
    /// <param name="dataSource">The service's database.</param>
    /// <param name="key">Names the work; any number, as long as nothing else in this database has it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<Turn?> TryTakeAsync(NpgsqlDataSource dataSource, long key, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        var turn = new Turn(await dataSource.OpenConnectionAsync(cancellationToken), key);
        var taken = false;
        try
        {
            taken = await turn.AskAsync("select pg_try_advisory_lock($1)", cancellationToken);
            return taken ? turn : null;
        }
        finally
        {
            if (!taken)
                await turn._connection.DisposeAsync();
        }
    }

    /// <summary>Gives the turn to others.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await AskAsync("select pg_advisory_unlock($1)", CancellationToken.None);
        }
        catch (Exception error) when (error is NpgsqlException or InvalidOperationException)
        {
            // The second where the connection was found broken while it was idle. One that may still have the lock must not go back to the pool.
            NpgsqlConnection.ClearPool(_connection);
        }
        finally
        {
            await _connection.DisposeAsync();
        }
    }

    private async Task<bool> AskAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, _connection) { Parameters = { new() { Value = _key } } };
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }
}
