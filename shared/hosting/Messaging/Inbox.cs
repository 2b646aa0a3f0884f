using MassTransit;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Hosting.Messaging;

/// <summary>Runs a consumer's effect in one transaction with the note that its message was received.</summary>
public sealed class Inbox<TDb>(IDbContextFactory<TDb> databases, Outbox outbox)
    where TDb : DbContext
{
    /// <summary>
    /// Runs <paramref name="effect"/>, saves, and commits; does nothing when the same consumer committed the same message before.
    /// Correctness must not rest on that: the note is kept for 14 days.
    /// </summary>
    /// <param name="context">The delivery.</param>
    /// <param name="consumer">A name that stays the same when the class is renamed.</param>
    /// <param name="effect">What to do; it uses the context given, whose transaction is open. No network calls here.</param>
    public async Task OnceAsync(ConsumeContext context, string consumer, Func<TDb, CancellationToken, Task> effect)
    {
        var cancellationToken = context.CancellationToken;
        var messageId = context.MessageId ?? throw new InvalidOperationException("A message without an id cannot be received once.");
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var first = await db.Database.ExecuteSqlAsync(
            $"insert into inbox (consumer, message_id) values ({consumer}, {messageId}) on conflict do nothing", cancellationToken);
        if (first == 0)
            return;
        await effect(db, cancellationToken);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        outbox.Wake();
    }
}
