using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;

namespace HomeStage.Hosting.Messaging;

/// <summary>
/// Declares what a service needs at the broker: a fanout exchange for each message, a quorum queue for each that it consumes with
/// MassTransit's exchange of the same name in front, and a queue for dead letters.
/// </summary>
internal static class BrokerTopology
{
    /// <summary>Deliveries of one message before the broker gives up on it: consumers that die on it, not errors they report.</summary>
    private const int DeliveryLimit = 20;

    /// <summary>A broker that starts at the same time, or is replaced, is waited for.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    internal static string ErrorQueue(string queue) => queue + "_error";

    internal static string ExchangeOf(Type message) => $"{message.Namespace}:{message.Name}";

    internal static IReadOnlyDictionary<string, object?> QueueArguments(string queue) => new Dictionary<string, object?>(StringComparer.Ordinal)
    {
        ["x-delivery-limit"] = DeliveryLimit,
        ["x-dead-letter-exchange"] = "",
        ["x-dead-letter-routing-key"] = ErrorQueue(queue),
    };

    internal static async Task DeclareAsync(BrokerAddress broker, BusTopology topology, CancellationToken cancellationToken)
    {
        var factory = broker.Factory("migrate");
        await UntilReachableAsync(factory, cancellationToken);
        await using var connection = await factory.CreateConnectionAsync(cancellationToken);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        foreach (var message in topology.Published)
            await DeclareExchangeAsync(channel, ExchangeOf(message), cancellationToken);
        foreach (var (queue, message, _, _, _) in topology.Subscriptions)
        {
            await DeclareExchangeAsync(channel, ExchangeOf(message), cancellationToken);
            await DeclareExchangeAsync(channel, queue, cancellationToken);
            await DeclareExchangeAsync(channel, ErrorQueue(queue), cancellationToken);
            await DeclareQueueAsync(channel, ErrorQueue(queue), [], cancellationToken);
            await channel.QueueBindAsync(ErrorQueue(queue), ErrorQueue(queue), "", cancellationToken: cancellationToken);
            await DeclareQueueAsync(channel, queue, QueueArguments(queue), cancellationToken);
            await channel.QueueBindAsync(queue, queue, "", cancellationToken: cancellationToken);
            await channel.ExchangeBindAsync(queue, ExchangeOf(message), "", cancellationToken: cancellationToken);
        }
    }

    private static async Task UntilReachableAsync(ConnectionFactory factory, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            await new BrokerReachable(NullLogger<BrokerReachable>.Instance).WaitAsync(factory, patience.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The attempt that follows fails, and says why.
        }
    }

    private static Task DeclareExchangeAsync(IChannel channel, string name, CancellationToken cancellationToken) =>
        channel.ExchangeDeclareAsync(name, ExchangeType.Fanout, durable: true, autoDelete: false, cancellationToken: cancellationToken);

    private static Task<QueueDeclareOk> DeclareQueueAsync(
        IChannel channel, string name, IEnumerable<KeyValuePair<string, object?>> arguments, CancellationToken cancellationToken) =>
        channel.QueueDeclareAsync(
            name,
            durable: true,
            exclusive: false,
            autoDelete: false,
            new Dictionary<string, object?>(arguments, StringComparer.Ordinal) { ["x-queue-type"] = "quorum" },
            cancellationToken: cancellationToken);
}
