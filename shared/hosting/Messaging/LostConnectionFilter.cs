using MassTransit;
using MassTransit.RabbitMqTransport;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client.Events;

namespace HomeStage.Hosting.Messaging;

/// <summary>
/// Lets go of a consumer whose connection to the broker is lost, so that its bus, which is left for another, can stop without it. The consumer
/// goes on by itself to its end; the broker delivers its message again, to whoever is there, which every consumer has to stand anyhow. A stopping
/// process waits for it: <see cref="DetachedConsumers"/>.
/// </summary>
internal sealed partial class LostConnectionFilter(string queue, DetachedConsumers detached, ILogger<LostConnectionFilter> logger) : IFilter<ConsumeContext>
{
    public async Task Send(ConsumeContext context, IPipe<ConsumeContext> next)
    {
        if (detached.Waiting is { } waiting)
        {
            // Put back at once it would be delivered here again and again.
            await waiting;
            throw new PutBackException("This process is stopping.");
        }

        var channel = context.GetPayload<ChannelContext>().Channel;
        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        channel.ChannelShutdownAsync += OnShutdownAsync;
        try
        {
            if (!channel.IsOpen)
                lost.TrySetResult();
            var consumed = next.Send(context);
            if (await Task.WhenAny(consumed, lost.Task) != consumed)
            {
                Log.LetGo(logger, context.MessageId, queue);
                detached.Add(WatchAsync(consumed, context.MessageId));
                throw new PutBackException("The connection to the broker was lost.");
            }

            await consumed;
        }
        finally
        {
            channel.ChannelShutdownAsync -= OnShutdownAsync;
        }

        Task OnShutdownAsync(object sender, ShutdownEventArgs reason)
        {
            lost.TrySetResult();
            return Task.CompletedTask;
        }
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("lostConnection").Add("queue", queue);

    private async Task WatchAsync(Task consumed, Guid? messageId)
    {
        try
        {
            await consumed;
        }
        catch (Exception error)
        {
            // The next delivery finds the same trouble, or none.
            Log.FailedLater(logger, messageId, queue, error);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The connection was lost while message {MessageId} of {Queue} was consumed; it will be delivered again", EventName = "consumer_let_go")]
        public static partial void LetGo(ILogger logger, Guid? messageId, string queue);

        [LoggerMessage(2, LogLevel.Warning, "Message {MessageId} of {Queue} failed after its connection had been lost", EventName = "let_go_consumer_failed")]
        public static partial void FailedLater(ILogger logger, Guid? messageId, string queue, Exception exception);
    }
}
