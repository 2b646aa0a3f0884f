using MassTransit;

namespace HomeStage.Hosting.Messaging;

/// <summary>
/// Publishes one message and returns once the broker has confirmed that a queue has it: publisher confirms, and mandatory, so that a
/// message that reaches no queue is an error.
/// </summary>
public sealed class BusPublisher
{
    // A broker that is away would hold the call for as long as it is; the caller decides what then.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly RenewedBus _bus;

    internal BusPublisher(RenewedBus bus) => _bus = bus;

    /// <summary>Publishes.</summary>
    /// <param name="message">A record of <c>HomeStage.Contracts</c>.</param>
    /// <param name="messageId">Its id, the same at every repetition.</param>
    /// <param name="cancellationToken">Gives up; the message may have been sent.</param>
    /// <exception cref="TimeoutException">No confirmation within 10 s.</exception>
    public async Task PublishAsync(object message, Guid messageId, CancellationToken cancellationToken)
    {
        var (bus, lost) = _bus.Current;
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lost);
        limited.CancelAfter(Limit);
        try
        {
            await bus.Publish(message, message.GetType(), Pipe.Execute<PublishContext>(context =>
            {
                context.MessageId = messageId;
                if (context.TryGetPayload<RabbitMqSendContext>(out var rabbit))
                    rabbit.Mandatory = true;
            }), limited.Token);
        }
        catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            _bus.GiveUp(bus);
            throw new TimeoutException("The broker did not confirm a message in time.", error);
        }
    }
}
