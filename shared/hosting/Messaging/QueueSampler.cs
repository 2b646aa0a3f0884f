using System.Diagnostics.Metrics;
using HomeStage.Hosting.Telemetry;
using RabbitMQ.Client;

namespace HomeStage.Hosting.Messaging;

/// <summary>Depth and consumers of the queues that the service consumes, and of their dead letters, as the broker counts them now.</summary>
internal sealed class QueueSampler : Sampler<IReadOnlyList<QueueDeclareOk>>
{
    private readonly ConnectionFactory _factory;
    private readonly string[] _queues;
    private IConnection? _connection;
    private IChannel? _channel;

    public QueueSampler(ConnectionFactory factory, BusTopology topology, IMeterFactory meters, Sweeps sweeps)
        : base("queue_sample", sweeps)
    {
        _factory = factory;
        _queues = [.. topology.Subscriptions.SelectMany(subscription => (string[])[subscription.Queue, BrokerTopology.ErrorQueue(subscription.Queue)])];
        var meter = meters.Create("HomeStage.Messaging");
        meter.CreateObservableGauge("homestage.messaging.queue.depth", () => Each(queue => queue.MessageCount, IsWork), "{message}", "Messages that no consumer has yet, by `queue`.");
        meter.CreateObservableGauge("homestage.messaging.queue.consumers", () => Each(queue => queue.ConsumerCount, IsWork), "{consumer}", "Consumers of all replicas, by `queue`.");
        meter.CreateObservableGauge("homestage.messaging.queue.dead_letters", () => Each(queue => queue.MessageCount, queue => !IsWork(queue)), "{message}", "Dead letters that wait for a person, by `queue`.");
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await CloseAsync();
    }

    protected override async Task<IReadOnlyList<QueueDeclareOk>> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            _connection ??= await _factory.CreateConnectionAsync(cancellationToken);
            _channel ??= await _connection.CreateChannelAsync(cancellationToken: cancellationToken);
            var found = new List<QueueDeclareOk>();
            foreach (var queue in _queues)
                found.Add(await _channel.QueueDeclarePassiveAsync(queue, cancellationToken));
            return found;
        }
        catch (Exception)
        {
            // A channel is closed by the first question that fails.
            await CloseAsync();
            throw;
        }
    }

    private static bool IsWork(string queue) => !queue.EndsWith(BrokerTopology.ErrorQueue(""), StringComparison.Ordinal);

    private IEnumerable<Measurement<long>> Each(Func<QueueDeclareOk, uint> figure, Func<string, bool> chosen) =>
        (Latest ?? []).Where(queue => chosen(queue.QueueName)).Select(queue => new Measurement<long>(figure(queue), new KeyValuePair<string, object?>("queue", queue.QueueName)));

    private async Task CloseAsync()
    {
        var connection = _connection;
        (_connection, _channel) = (null, null);
        if (connection is null)
            return;
        try
        {
            await connection.DisposeAsync();
        }
        catch (Exception error) when (Infrastructure.IsTransient(error) || error is ObjectDisposedException)
        {
            // It is gone either way.
        }
    }
}
