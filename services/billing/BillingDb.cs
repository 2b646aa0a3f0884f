using HomeStage.Billing.Accounts;
using HomeStage.Billing.Checkout;
using HomeStage.Billing.Orders;
using HomeStage.Billing.Webhooks;
using HomeStage.Hosting.Messaging;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Billing;

/// <summary>Billing's own database: orders, Stripe's events, idempotency keys, and the outbox.</summary>
internal sealed class BillingDb : DbContext
{
    public BillingDb(DbContextOptions<BillingDb> options)
        : base(options)
    {
        // A transaction here succeeds or fails as a whole; savepoints would only cost two round trips each time.
        Database.AutoSavepointsEnabled = false;
    }

    public DbSet<Order> Orders => Set<Order>();

    public DbSet<StoredEvent> StripeEvents => Set<StoredEvent>();

    public DbSet<AccountAlias> AccountAliases => Set<AccountAlias>();

    public DbSet<IdempotencyKey> IdempotencyKeys => Set<IdempotencyKey>();

    /// <summary>
    /// Reads those of the orders that exist and keeps every other writer of them waiting until the transaction ends. Always in the order of
    /// their ids, so that two who want the same ones do not wait for each other.
    /// </summary>
    public async Task<IReadOnlyDictionary<Guid, Order>> LockOrdersAsync(IEnumerable<Guid> ids, CancellationToken cancellationToken)
    {
        Guid[] wanted = [.. ids.Distinct()];
        return wanted.Length == 0
            ? new Dictionary<Guid, Order>()
            // Ordered once more outside, which makes EF name the columns: a prepared `select *` would break at the next migration.
            : await Orders.FromSql($"select * from orders where id = any({wanted}) order by id for update")
                .OrderBy(order => order.Id).ToDictionaryAsync(order => order.Id, cancellationToken);
    }

    /// <summary>
    /// Writes those of the events that are new, in one statement, however many: it is what Stripe's webhooks wait for. Gives the ids of those.
    /// What another transaction is writing in this moment is waited for.
    /// </summary>
    public async Task<IReadOnlySet<string>> StoreAsync(IReadOnlyCollection<StoredEvent> events, CancellationToken cancellationToken)
    {
        T[] All<T>(Func<StoredEvent, T> of) => [.. events.Select(of)];
        // Always in the order of their ids, so that two who store the same ones do not wait for each other.
        return await Database.SqlQuery<string>(
            $"""
            insert into stripe_events (id, type, livemode, api_version, created_at, received_at, payload, source, order_id, state, reason, due_at, settled_at)
            select * from unnest({All(row => row.Id)}, {All(row => row.Type)}, {All(row => row.Livemode)}, {All(row => row.ApiVersion)},
              {All(row => row.CreatedAt)}, {All(row => row.ReceivedAt)}, {All(row => row.Payload)}, {All(row => Word(row.Source))},
              {All(row => row.OrderId)}, {All(row => Word(row.State))}, {All(row => row.Reason)}, {All(row => row.DueAt)}, {All(row => row.SettledAt)}) order by 1
            on conflict (id) do nothing returning id as "Value"
            """).ToHashSetAsync(cancellationToken);
    }

    /// <summary>The accounts whose things a caller owns: its own and those that were merged into it.</summary>
    public async Task<Guid[]> OwnersAsync(Guid accountId, CancellationToken cancellationToken) =>
        [accountId, .. await AccountAliases.Where(alias => alias.IntoAccount == accountId).Select(alias => alias.FromAccount).ToListAsync(cancellationToken)];

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.AddOutbox();
        modelBuilder.Entity<Order>(order =>
        {
            order.ToTable("orders");
            order.Ignore(row => row.Status);
            order.Ignore(row => row.AmountReturned);
            order.Property(row => row.Revision).IsConcurrencyToken();
        });
        modelBuilder.Entity<StoredEvent>(stored =>
        {
            stored.ToTable("stripe_events");
            stored.Property(row => row.State).HasConversion(state => Word(state), text => Enum.Parse<EventState>(text, true));
            stored.Property(row => row.Source).HasConversion(source => Word(source), text => Enum.Parse<EventSource>(text, true));
        });
        modelBuilder.Entity<AccountAlias>(alias =>
        {
            alias.ToTable("account_aliases");
            alias.HasKey(row => row.FromAccount);
        });
        modelBuilder.Entity<IdempotencyKey>(key =>
        {
            key.ToTable("idempotency_keys");
            key.HasKey(row => new { row.AccountId, row.Key });
        });
    }

    /// <summary>How the database says it.</summary>
    private static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
