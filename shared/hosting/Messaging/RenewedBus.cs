using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace HomeStage.Hosting.Messaging;

/// <summary>
/// A bus that lives as long as its connection to the broker: when that is lost, the bus is left as it is and another one made. What MassTransit and
/// the broker's client do by themselves does not always come to an end, and leaves consumers without messages or publishers without
/// confirmations until the process is started again (ADR 12).
/// </summary>
internal sealed partial class RenewedBus : IHostedService
{
    // One that is lost so soon found no welcome, which another would not find at once either.
    private static readonly TimeSpan Young = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(10);

    private readonly string _name;
    private readonly Func<Action<IRabbitMqHostConfigurator>, IBusControl> _create;
    private readonly BrokerReachable _reachable;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private volatile Life? _current;

    /// <param name="name">What it is for, as the log says it.</param>
    /// <param name="create">Makes a bus, whose host is configured by what it is given.</param>
    /// <param name="services">Of the host.</param>
    internal RenewedBus(string name, Func<Action<IRabbitMqHostConfigurator>, IBusControl> create, IServiceProvider services)
    {
        (_name, _create) = (name, create);
        _reachable = services.GetRequiredService<BrokerReachable>();
        _lifetime = services.GetRequiredService<IHostApplicationLifetime>();
        _logger = services.GetRequiredService<ILogger<RenewedBus>>();
    }

    /// <summary>The bus of now, and a token that is canceled when its connection is lost.</summary>
    /// <exception cref="InvalidOperationException">The service has not begun to start.</exception>
    public (IBus Bus, CancellationToken Lost) Current =>
        _current is { } life ? (life.Bus, life.Lost) : throw new InvalidOperationException("There is no bus before the service starts.");

    /// <summary>Returns at once, with the broker or without.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _current = Begin();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => _current is { } life ? StopAsync(life, cancellationToken) : Task.CompletedTask;

    /// <summary>Gives a connection up that is still there and is good for nothing; nothing happens while the broker itself is away.</summary>
    public void GiveUp(IBus bus)
    {
        if (_current is { HasConnected: true } life && ReferenceEquals(life.Bus, bus))
            life.Lose();
    }

    private Life Begin()
    {
        var life = new Life(this);
        life.Bus = _create(host =>
        {
            host.PublisherConfirmation = true;
            // A frozen broker counts as lost after two of them.
            host.Heartbeat(TimeSpan.FromSeconds(5));
            host.OnRefreshConnectionFactory = life.ConnectAsync;
        });
        _ = StartAsync(life.Bus);
        return life;
    }

    private async Task StartAsync(IBusControl bus)
    {
        try
        {
            await bus.StartAsync(_lifetime.ApplicationStopping);
        }
        catch (Exception error)
        {
            Log.NotStarted(_logger, _name, error);
        }
    }

    private async Task StopAsync(Life life, CancellationToken cancellationToken)
    {
        try
        {
            await life.Bus.StopAsync(cancellationToken).WaitAsync(cancellationToken);
        }
        catch (Exception error)
        {
            // What was not acknowledged is delivered again, what was not confirmed is said again.
            Log.NotStopped(_logger, _name, error);
        }

        life.Dispose();
    }

    private async Task RenewAsync(Life old)
    {
        if (old.Age < Young)
            await Task.Delay(Pause, _lifetime.ApplicationStopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_gate)
        {
            if (_current != old || _lifetime.ApplicationStopping.IsCancellationRequested)
                return;
            Log.Lost(_logger, _name);
            _current = Begin();
        }

        using var limit = new CancellationTokenSource(StopLimit);
        await StopAsync(old, limit.Token);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The connection for {Bus} was lost; making another", EventName = "bus_renewed")]
        public static partial void Lost(ILogger logger, string bus);

        [LoggerMessage(2, LogLevel.Information, "The bus for {Bus} did not start", EventName = "bus_not_started")]
        public static partial void NotStarted(ILogger logger, string bus, Exception exception);

        [LoggerMessage(3, LogLevel.Information, "The bus for {Bus} did not stop in time", EventName = "bus_not_stopped")]
        public static partial void NotStopped(ILogger logger, string bus, Exception exception);
    }

    /// <summary>One bus, which connects once.</summary>
    private sealed class Life : IDisposable
    {
        private readonly RenewedBus _owner;
        private readonly CancellationTokenSource _lost = new();
        private readonly long _began = TimeProvider.System.GetTimestamp();
        private int _connections;

        public Life(RenewedBus owner) => (_owner, Lost) = (owner, _lost.Token);

        /// <summary>Whether the broker has answered.</summary>
        public bool HasConnected { get; private set; }

        public IBusControl Bus { get; set; } = null!;

        public CancellationToken Lost { get; }

        public TimeSpan Age => TimeProvider.System.GetElapsedTime(_began);

        /// <summary>MassTransit calls this before it connects: the first time it waits for the broker; a second time there is none.</summary>
        public async Task ConnectAsync(ConnectionFactory factory)
        {
            if (Interlocked.Increment(ref _connections) > 1)
            {
                Lose();
                throw new OperationCanceledException("Another bus connects again.");
            }

            await _owner._reachable.WaitAsync(factory, _owner._lifetime.ApplicationStopping);
            factory.SocketFactory = family => new WatchedConnection(family, Lose);
            HasConnected = true;
        }

        /// <summary>The connection is over; others are told once.</summary>
        public void Lose()
        {
            if (Cancel())
                _ = Task.Run(() => _owner.RenewAsync(this));
        }

        public void Dispose()
        {
            Cancel();
            _lost.Dispose();
        }

        private bool Cancel()
        {
            lock (_lost)
            {
                if (Lost.IsCancellationRequested)
                    return false;
                _lost.Cancel();
                return true;
            }
        }
    }
}
