using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace HomeStage.Billing.Tests.Support;

/// <summary>
/// The process dies before the n-th statement, before the commit or after it: an exception that nobody foresaw, after which the
/// connection is closed and the server rolls back what was open. The background search for due events and the hourly clearing are left alone.
/// </summary>
internal sealed class CrashPoint
{
    private int _left = int.MaxValue;

    public CrashPoint() => Interceptors = [new Commands(this), new Commits(this)];

    public IReadOnlyList<IInterceptor> Interceptors { get; }

    /// <summary>Dies at the n-th step from now, counted from 1, and then no more.</summary>
    public void Arm(int step) => Interlocked.Exchange(ref _left, step);

    /// <summary>Whether it has died. What was committed is seen by others before that is known here.</summary>
    public bool Reached => Volatile.Read(ref _left) <= 0;

    /// <summary>Whether the point was never reached.</summary>
    public bool Disarm() => Interlocked.Exchange(ref _left, int.MaxValue) is > 0 and < int.MaxValue;

    private void Step()
    {
        if (Interlocked.Decrement(ref _left) == 0)
            throw new CrashException();
    }

    private sealed class Commands(CrashPoint point) : DbCommandInterceptor
    {
        public override ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
            DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result, CancellationToken cancellationToken = default)
        {
            if (!IsInBackground(command))
                point.Step();
            return new(result);
        }

        public override ValueTask<InterceptionResult<int>> NonQueryExecutingAsync(
            DbCommand command, CommandEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default)
        {
            if (!IsInBackground(command))
                point.Step();
            return new(result);
        }

        private static bool IsInBackground(DbCommand command) =>
            ((string[])["attempts + 1", "empty_payloads", "DELETE FROM idempotency_keys"]).Any(text => command.CommandText.Contains(text, StringComparison.Ordinal));
    }

    private sealed class Commits(CrashPoint point) : DbTransactionInterceptor
    {
        public override ValueTask<InterceptionResult> TransactionCommittingAsync(
            DbTransaction transaction, TransactionEventData eventData, InterceptionResult result, CancellationToken cancellationToken = default)
        {
            point.Step();
            return new(result);
        }

        public override Task TransactionCommittedAsync(DbTransaction transaction, TransactionEndEventData eventData, CancellationToken cancellationToken = default)
        {
            point.Step();
            return Task.CompletedTask;
        }
    }
}

internal sealed class CrashException : Exception;
