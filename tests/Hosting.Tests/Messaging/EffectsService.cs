using HomeStage.Contracts;
using HomeStage.Hosting.Messaging;
using HomeStage.Hosting.Migrations;
using HomeStage.Testing;
using MassTransit;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace HomeStage.Hosting.Tests.Messaging;

/// <summary>A database whose one table counts how often a message took effect.</summary>
public sealed class EffectsDb(DbContextOptions<EffectsDb> options) : DbContext(options)
{
    protected override void OnModelCreating(ModelBuilder modelBuilder) => modelBuilder.AddOutbox();
}

/// <summary>What happens to the consumer just before it commits.</summary>
public sealed class Scenario
{
    public Func<Task> BeforeCommit { get; set; } = () => Task.CompletedTask;

    /// <summary>Sees the next message's context.</summary>
    public Action<ConsumeContext> Consuming { get; set; } = _ => { };
}

/// <summary>Counts an order's payment; a repetition that took effect would show as 2.</summary>
public sealed class EffectConsumer(Inbox<EffectsDb> inbox, Scenario scenario) : IConsumer<PaymentCompleted>
{
    public Task Consume(ConsumeContext<PaymentCompleted> context) => inbox.OnceAsync(context, "effects", async (db, cancellationToken) =>
    {
        scenario.Consuming(context);
        await db.Database.ExecuteSqlAsync(
            $"insert into effects (id) values ({context.Message.OrderId}) on conflict (id) do update set seen = effects.seen + 1", cancellationToken);
        await scenario.BeforeCommit();
    });
}

/// <summary>The service <c>billing</c> with an outbox, an inbox, and a consumer of its own message.</summary>
internal static class EffectsService
{
    public static Dictionary<string, string> Settings(TestDatabase database, TestVirtualHost broker) => new(StringComparer.Ordinal)
    {
        ["DATABASE_CONNECTION"] = database.Connection,
        ["MIGRATE_DATABASE_CONNECTION"] = database.DdlConnection,
        ["MIGRATE_APP_ROLE"] = database.AppRole,
        ["RABBITMQ_URL"] = broker.Url("billing"),
        ["MIGRATE_RABBITMQ_URL"] = broker.MigrateUrl,
    };

    public static void Compose(ServiceBuilder service)
    {
        service.AddDatabase<EffectsDb>();
        service.AddMessaging(bus => bus.Publishes<PaymentCompleted>().Consumes<EffectConsumer, PaymentCompleted>());
        service.AddOutbox<EffectsDb>();
        service.Services.TryAddSingleton<Scenario>();
    }

    public static PaymentCompleted Paid(Guid order) => new()
    {
        OrderId = order,
        AccountId = Guid.CreateVersion7(),
        Plan = "quick",
        Credits = 5,
        ValidForDays = 365,
        PaidAt = DateTimeOffset.UtcNow,
        Amount = 900,
        Currency = "usd",
    };

    /// <summary>Writes an order's message in one transaction, and commits it or not.</summary>
    public static async Task WriteAsync(IServiceProvider services, Guid order, bool commit = true)
    {
        await using var db = await services.GetRequiredService<IDbContextFactory<EffectsDb>>().CreateDbContextAsync();
        await using var transaction = await db.Database.BeginTransactionAsync();
        services.GetRequiredService<Outbox>().Add(db, Paid(order));
        await db.SaveChangesAsync();
        if (commit)
            await transaction.CommitAsync();
    }
}
