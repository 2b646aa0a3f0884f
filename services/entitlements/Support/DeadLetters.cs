using HomeStage.Hosting.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace HomeStage.Entitlements.Support;

/// <summary>A queue with the number of messages that its consumer gave up on.</summary>
internal sealed record DeadLetterQueue(string Queue, long Messages);

/// <summary>What a resending did.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="Moved">How many went back to it.</param>
/// <param name="Left">How many are still among the dead letters.</param>
internal sealed record Resent(string Queue, int Moved, long Left);

/// <summary>
/// The messages in the <c>&lt;queue&gt;_error</c> queues of all services, through a broker user that may read those, write to the default
/// exchange, and nothing else. Connected only while it is used.
/// </summary>
internal sealed class DeadLetters(BrokerAddress broker)
{
    /// <summary>
    /// The queues of all services; the broker's user may not ask for a list. A test compares it with what the migrations declare.
    /// </summary>
    internal static readonly IReadOnlyList<string> Queues =
    [
        "billing.account-merged",
        "entitlements.payment-adjusted",
        "entitlements.payment-completed",
        "entitlements.staging-settled",
        "staging-api.account-erased",
        "staging-api.account-merged",
        "staging-api.credits-changed",
        "staging-api.render-progressed",
        "staging-api.room-staged",
        "staging-api.staging-failed",
        "staging-worker.stage-room",
    ];

    // What MassTransit and the broker noted of the failure. A message that goes on its way again has not failed yet.
    private static readonly string[] Notes = ["MT-Fault-", "MT-Host-", "MT-Reason", "x-death", "x-first-death-", "x-delivery-count"];

    /// <summary>How many dead letters each queue has now.</summary>
    internal async Task<IReadOnlyList<DeadLetterQueue>> CountAsync(CancellationToken cancellationToken)
    {
        await using var connection = await ConnectAsync(cancellationToken);
        var counts = new List<DeadLetterQueue>();
        foreach (var queue in Queues)
        {
            await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
            if (await CountAsync(channel, queue, cancellationToken) is { } messages)
                counts.Add(new(queue, messages));
        }

        return counts;
    }

    /// <summary>
    /// Moves up to <paramref name="max"/> messages back to their queue, each acknowledged only after the broker confirmed that the queue
    /// has it: a process that dies in between leaves a message twice, never none, and consumers tolerate that. Each of those that are there
    /// at the beginning moves once, so that what fails again does not go round for ever.
    /// </summary>
    internal async Task<Resent> ResendAsync(string queue, int max, CancellationToken cancellationToken)
    {
        await using var connection = await ConnectAsync(cancellationToken);
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellationToken);
        var there = await CountAsync(channel, queue, cancellationToken) ?? 0;
        var resent = 0;
        while (resent < Math.Min(max, there) && await channel.BasicGetAsync(ErrorQueue(queue), autoAck: false, cancellationToken) is { } letter)
        {
            await channel.BasicPublishAsync("", queue, mandatory: true, Fresh(letter.BasicProperties), letter.Body, cancellationToken);
            await channel.BasicAckAsync(letter.DeliveryTag, multiple: false, cancellationToken);
            resent++;
        }

        return new(queue, resent, await channel.MessageCountAsync(ErrorQueue(queue), cancellationToken));
    }

    private static BasicProperties Fresh(IReadOnlyBasicProperties failed) => new(failed)
    {
        Headers = failed.Headers?.Where(header => !Notes.Any(note => header.Key.StartsWith(note, StringComparison.Ordinal))).ToDictionary(StringComparer.Ordinal),
        Persistent = true,
    };

    private static async Task<long?> CountAsync(IChannel channel, string queue, CancellationToken cancellationToken)
    {
        try
        {
            return (await channel.QueueDeclarePassiveAsync(ErrorQueue(queue), cancellationToken)).MessageCount;
        }
        catch (OperationInterruptedException error) when (error.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
            // The service that consumes it is not installed here.
            return null;
        }
    }

    private static string ErrorQueue(string queue) => queue + "_error";

    private async Task<IConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        var factory = broker.Factory("support");
        factory.AutomaticRecoveryEnabled = false;
        return await factory.CreateConnectionAsync(cancellationToken);
    }
}
