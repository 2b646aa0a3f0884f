using MassTransit;

namespace HomeStage.Hosting.Messaging;

/// <summary>
/// Publishes one message and returns once the broker has confirmed that a queue has it: publisher confirms, and mandatory, so that a
/// message that reaches no queue is an error.
/// </summary>
public sealed class BusPublisher(IBus bus)
{
    // A broker that is away would hold the call for as long as it is; the caller decides what then.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>Publishes.</summary>
    /// <param name="message">A record of <c>HomeStage.Contracts</c>.</param>
    /// <param name="messageId">Its id, the same at every repetition.</param>
    /// <param name="cancellationToken">Gives up; the message may have been sent.</param>
    /// <exception cref="TimeoutException">No confirmation within 10 s.</exception>
    public async Task PublishAsync(object message, Guid messageId, CancellationToken cancellationToken)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
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
            throw new TimeoutException("The broker did not confirm a message in time.", error);
        }
    }
}
