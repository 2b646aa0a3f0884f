using System.Diagnostics.Metrics;
using HomeStage.Hosting.Telemetry;
using MassTransit;
using MassTransit.DependencyInjection;
using MassTransit.Middleware;
using MassTransit.RabbitMqTransport.Configuration;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace HomeStage.Hosting.Messaging;

/// <summary>What a service says and hears on the bus; said once, for its run and for the migration that declares the topology.</summary>
public sealed class BusTopology
{
    private readonly string _service;

    internal BusTopology(string service) => _service = service;

    internal List<Type> Published { get; } = [];

    internal List<Subscription> Subscriptions { get; } = [];

    /// <summary>Declares that the service publishes this message; the broker lets it write to no other exchange.</summary>
    public BusTopology Publishes<TMessage>()
        where TMessage : class
    {
        Published.Add(typeof(TMessage));
        return this;
    }

    /// <summary>
    /// Consumes a message from the quorum queue <c>&lt;service&gt;.&lt;message-in-kebab-case&gt;</c>. At most <paramref name="concurrency"/> at
    /// once in this replica, and no more are prefetched.
    /// </summary>
    public BusTopology Consumes<TConsumer, TMessage>(int concurrency = 8)
        where TConsumer : class, IConsumer<TMessage>
        where TMessage : class
    {
        var queue = _service + "." + KebabCaseEndpointNameFormatter.Instance.SanitizeName(typeof(TMessage).Name);
        Subscriptions.Add(new Subscription(
            queue,
            typeof(TMessage),
            concurrency,
            registration => registration.AddConsumer<TConsumer>(),
            (endpoint, context) => endpoint.ConfigureConsumer<TConsumer>(context)));
        return this;
    }

    internal sealed record Subscription(
        string Queue,
        Type Message,
        int Concurrency,
        Action<IBusRegistrationConfigurator> Register,
        Action<IReceiveEndpointConfigurator, IBusRegistrationContext> Attach);
}

/// <summary>MassTransit on RabbitMQ, and the outbox and inbox beside a service's database.</summary>
public static class MessagingExtensions
{
    /// <summary>
    /// Adds the bus. Reads <c>RABBITMQ_URL</c>, <c>TRUSTED_CA_FILE</c>, and <c>MIGRATE_RABBITMQ_URL</c> for the migration, which declares exchanges, queues,
    /// bindings and dead-letter queues before any dispatcher starts.
    /// </summary>
    public static void AddMessaging(this ServiceBuilder service, Action<BusTopology> describe)
    {
        var topology = new BusTopology(service.Name);
        describe(topology);
        var broker = BrokerAddress.Read(service.Settings, "RABBITMQ_URL");
        service.Services.AddSingleton(topology);
        service.Services.AddSingleton<BrokerReachable>();
        service.Services.AddMassTransit(registration =>
        {
            registration.DisableUsageTelemetry();
            foreach (var subscription in topology.Subscriptions)
                subscription.Register(registration);
            // The container's own bus, which its other parts ask for, is neither used nor started: ours are two, and are made anew.
            registration.UsingRabbitMq((_, _) => { });
        });
        service.Services.Remove(service.Services.Single(descriptor => descriptor.ImplementationType == typeof(MassTransitHostedService)));
        // Two connections, as RabbitMQ's documentation advises: a broker that slows publishers down must not keep consumers waiting. Services stop in
        // the reverse order of their registration, and what consumers still have to say must get out.
        service.Services.AddSingleton(provider => Connect(provider, broker, service.Name + " publishing", (_, _) => { }));
        service.Services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<RenewedBus>());
        service.Services.AddSingleton(provider => new BusPublisher(provider.GetRequiredService<RenewedBus>()));
        if (topology.Subscriptions.Count > 0)
        {
            service.Services.AddSingleton<IHostedService>(provider => Connect(provider, broker, service.Name + " consuming", (context, bus) => Consume(bus, topology, context)));
            service.Services.AddSingleton<DetachedConsumers>();
            service.Services.AddHostedService(provider => provider.GetRequiredService<DetachedConsumers>());
            service.Services.AddHostedService(provider => new QueueSampler(
                broker.Factory(service.Name + " figures"), topology, provider.GetRequiredService<IMeterFactory>(), provider.GetRequiredService<Sweeps>()));
        }

        service.AddMigration(settings =>
        {
            var admin = BrokerAddress.Read(settings, "MIGRATE_RABBITMQ_URL");
            return cancellationToken => BrokerTopology.DeclareAsync(admin, topology, cancellationToken);
        });
    }

    /// <summary>Adds the outbox and the inbox in the service's database, the dispatcher, and what forgets old messages.</summary>
    public static void AddOutbox<TDb>(this ServiceBuilder service)
        where TDb : DbContext
    {
        service.Services.AddSingleton<Outbox>();
        service.Services.AddSingleton<Inbox<TDb>>();
        service.Services.TryAddSingleton<OutboxDispatcher>();
        service.Services.AddHostedService(provider => provider.GetRequiredService<OutboxDispatcher>());
        service.Services.AddHostedService<InboxRetention>();
        service.Services.AddHostedService<OutboxSampler>();
    }

    private static RenewedBus Connect(
        IServiceProvider services, BrokerAddress broker, string name, Action<IBusRegistrationContext, IRabbitMqBusFactoryConfigurator> configure)
    {
        var context = services.GetRequiredService<Bind<IBus, IBusRegistrationContext>>().Value;
        IBusControl Create(Action<IRabbitMqHostConfigurator> connect) => new RabbitMqRegistrationBusFactory((registrations, bus) =>
        {
            broker.Configure(bus, name, connect);
            configure(registrations, bus);
        }).CreateBus(context, [], name).BusControl;
        return new(name, Create, services);
    }

    private static void Consume(IRabbitMqBusFactoryConfigurator bus, BusTopology topology, IBusRegistrationContext context)
    {
        bus.SendTopology.ConfigureErrorSettings = error =>
        {
            // A copy of the queue's own arguments would make it its own dead-letter queue.
            foreach (var name in BrokerTopology.QueueArguments("").Keys)
                error.SetQueueArgument(name, null);
        };
        foreach (var subscription in topology.Subscriptions)
            bus.ReceiveEndpoint(subscription.Queue, endpoint => Consume(endpoint, subscription, context));
    }

    private static void Consume(IRabbitMqReceiveEndpointConfigurator endpoint, BusTopology.Subscription subscription, IBusRegistrationContext context)
    {
        // The migration has declared and bound everything; the service's broker user may not.
        endpoint.ConfigureConsumeTopology = false;
        endpoint.SetQuorumQueue();
        foreach (var argument in BrokerTopology.QueueArguments(subscription.Queue))
            endpoint.SetQueueArgument(argument.Key, argument.Value);
        endpoint.PrefetchCount = subscription.Concurrency;
        endpoint.ConcurrentMessageLimit = subscription.Concurrency;
        endpoint.PublishFaults = false;
        endpoint.ConfigureError(pipe =>
        {
            pipe.UseFilter(new DeadLetterFilter(subscription.Queue));
            pipe.UseFilter(new ErrorTransportFilter());
        });
        endpoint.ThrowOnSkippedMessages();
        endpoint.UseFilter(new LostConnectionFilter(
            subscription.Queue, context.GetRequiredService<DetachedConsumers>(), context.GetRequiredService<ILogger<LostConnectionFilter>>()));
        endpoint.UseMessageRetry(retry =>
        {
            // Unacked and in place, 20 minutes in all: a minute without Postgres dead-letters nothing.
            retry.Handle<Exception>(Infrastructure.IsTransient);
            retry.Exponential(245, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(250));
        });
        subscription.Attach(endpoint, context);
    }
}
