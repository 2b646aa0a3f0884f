using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;

namespace HomeStage.Hosting.Messaging;

/// <summary>
/// Consumers that go on after their connection was lost. A stopping process waits for them, within its drain time, while it can still
/// publish what they have to say; what is delivered meanwhile waits too, and goes back to its queue.
/// </summary>
/// <remarks>Registered after the bus, because services stop in the reverse order of their registration.</remarks>
internal sealed class DetachedConsumers(IHostApplicationLifetime lifetime) : IHostedService
{
    private readonly ConcurrentDictionary<Task, byte> _running = [];
    private readonly TaskCompletionSource _waited = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Set from the moment that the process stops; completes when it waits for them no longer.</summary>
    public Task? Waiting => lifetime.ApplicationStopping.IsCancellationRequested ? _waited.Task : null;

    /// <summary>Keeps a consumer in mind until it ends, which must not be with an exception.</summary>
    public void Add(Task consumer)
    {
        _running.TryAdd(consumer, 0);
        _ = consumer.ContinueWith(ended => _running.TryRemove(ended, out _), TaskScheduler.Default);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Task.WhenAll(_running.Keys).WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The drain time is over: the broker gives their messages to others.
        }
        finally
        {
            _waited.TrySetResult();
        }
    }
}
