using System.Diagnostics.Metrics;
using MassTransit;

namespace HomeStage.Hosting.Messaging;

/// <summary>
/// What happens to a message whose consumer threw: infrastructure trouble that outlasted its retries, and what a stopping
/// process puts back, goes back to the queue; anything else
/// goes on to MassTransit's error transport, which keeps it in <c>&lt;queue&gt;_error</c> with the reason in its headers.
/// </summary>
internal sealed class DeadLetterFilter : IFilter<ExceptionReceiveContext>
{
    private static readonly Meter Meter = new("HomeStage.Messaging");

    private static readonly Counter<long> DeadLettered = Meter.CreateCounter<long>(
        "homestage.messaging.dead_lettered", "{message}", "Messages moved to a dead-letter queue, by `queue`.");

    private readonly string _queue;

    public DeadLetterFilter(string queue)
    {
        _queue = queue;
        DeadLettered.Add(0, new KeyValuePair<string, object?>("queue", queue));
    }

    public async Task Send(ExceptionReceiveContext context, IPipe<ExceptionReceiveContext> next)
    {
        // Whatever leaves this pipe makes the transport reject the delivery with requeue.
        if (context.Exception.GetBaseException() is PutBackException || Infrastructure.IsTransient(context.Exception))
            throw new TransientConsumerException(context.Exception);
        await next.Send(context);
        DeadLettered.Add(1, new KeyValuePair<string, object?>("queue", _queue));
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("deadLetter").Add("queue", _queue);
}

/// <summary>Thrown by a consumer that cannot finish, because its process is stopping: the message goes back to its queue at once, for another replica.</summary>
public sealed class PutBackException(string reason) : Exception(reason);

/// <summary>A dependency stayed away for longer than a message may wait unacknowledged.</summary>
internal sealed class TransientConsumerException(Exception inner) : Exception("The message goes back to its queue.", inner);
