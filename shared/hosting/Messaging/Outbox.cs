using System.Diagnostics;
using System.Text.Json;
using HomeStage.Hosting.Recurring;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Hosting.Messaging;

/// <summary>
/// Messages that must be sent if, and only if, a transaction commits: a row written in that transaction. A row whose wake-up was lost
/// is found by polling.
/// </summary>
public sealed class Outbox : IDisposable
{
    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private readonly Wakeup _wakeup = new();

    /// <summary>
    /// Adds the message to what the context will save, and wakes the dispatcher when it has. Where an explicit transaction commits later,
    /// call <see cref="Wake"/> after the commit.
    /// </summary>
    public void Add<TMessage>(DbContext db, TMessage message)
        where TMessage : class
    {
        db.Set<OutboxMessage>().Add(new OutboxMessage
        {
            MessageId = Guid.CreateVersion7(),
            MessageType = typeof(TMessage).Name,
            Body = JsonSerializer.Serialize(message, Json),
            TraceParent = Activity.Current?.Id,
        });
        db.SavedChanges += (_, _) => Wake();
    }

    /// <summary>Makes this replica's dispatcher look at once; calls in a burst are one look.</summary>
    public void Wake() => _wakeup.Call();

    /// <inheritdoc/>
    public void Dispose() => _wakeup.Dispose();

    internal Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => _wakeup.WaitAsync(atMost, cancellationToken);
}

/// <summary>A row of the outbox. Its body is the message as JSON, so that a database function can write one too.</summary>
public sealed class OutboxMessage
{
    /// <summary>The message's id at the broker, the same at every repetition.</summary>
    public required Guid MessageId { get; init; }

    /// <summary>The name of the record in <c>HomeStage.Contracts</c>.</summary>
    public required string MessageType { get; init; }

    /// <summary>The message as JSON in camelCase.</summary>
    public required string Body { get; init; }

    /// <summary>W3C trace context of the request that it follows from.</summary>
    public string? TraceParent { get; init; }
}

/// <summary>Maps the outbox; called by each context that uses it.</summary>
public static class OutboxModel
{
    /// <summary>Maps <see cref="OutboxMessage"/>; the columns that the dispatcher alone uses stay out of the model.</summary>
    public static void AddOutbox(this ModelBuilder model) => model.Entity<OutboxMessage>(row =>
    {
        row.ToTable("outbox");
        // Not the column id: the database gives that, and reading it back would cost each message an answer.
        row.HasKey(message => message.MessageId);
        row.Property(message => message.Body).HasColumnType("jsonb");
    });
}
