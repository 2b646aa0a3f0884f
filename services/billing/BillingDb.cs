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
    /// Writes those of the events that are new, the facts that changed about locked orders, and the messages that follow, in one statement however
    /// many: it is what Stripe's webhooks wait for, and a statement for each row would cost more than the rows. Gives the ids of the new events;
    /// the rest belongs to all of them, so where one was not new, nothing may be committed. What another transaction is writing in this moment is
    /// waited for.
    /// </summary>
    public async Task<IReadOnlySet<string>> StoreAsync(IReadOnlyCollection<StoredEvent> events, CancellationToken cancellationToken)
    {
        static T[] All<TRow, T>(IReadOnlyCollection<TRow> rows, Func<TRow, T> of) => [.. rows.Select(of)];
        var orders = Tracked<Order>(EntityState.Modified);
        var messages = Tracked<OutboxMessage>(EntityState.Added);
        // Events always in the order of their ids, so that two who store the same ones do not wait for each other.
        return await Database.SqlQuery<string>(
            $"""
            with stored as (
              insert into stripe_events (id, type, livemode, api_version, created_at, received_at, payload, source, order_id, state, reason, due_at, settled_at)
              select * from unnest({All(events, row => row.Id)}, {All(events, row => row.Type)}, {All(events, row => row.Livemode)}, {All(events, row => row.ApiVersion)},
                {All(events, row => row.CreatedAt)}, {All(events, row => row.ReceivedAt)}, {All(events, row => row.Payload)}, {All(events, row => Word(row.Source))},
                {All(events, row => row.OrderId)}, {All(events, row => Word(row.State))}, {All(events, row => row.Reason)}, {All(events, row => row.DueAt)},
                {All(events, row => row.SettledAt)}) order by 1
              on conflict (id) do nothing returning id),
            changed as (
              update orders set paid_at = fact.paid_at, amount_paid = fact.amount_paid, payment_intent_id = fact.payment_intent_id,
                failed_at = fact.failed_at, expired_at = fact.expired_at, amount_refunded = fact.amount_refunded, amount_lost = fact.amount_lost,
                dispute_open = fact.dispute_open, fraud_warning_at = fact.fraud_warning_at, revision = fact.revision
              from unnest({All(orders, row => row.Id)}, {All(orders, row => row.PaidAt)}, {All(orders, row => row.AmountPaid)}, {All(orders, row => row.PaymentIntentId)},
                {All(orders, row => row.FailedAt)}, {All(orders, row => row.ExpiredAt)}, {All(orders, row => row.AmountRefunded)}, {All(orders, row => row.AmountLost)},
                {All(orders, row => row.DisputeOpen)}, {All(orders, row => row.FraudWarningAt)}, {All(orders, row => row.Revision)})
                as fact (id, paid_at, amount_paid, payment_intent_id, failed_at, expired_at, amount_refunded, amount_lost, dispute_open, fraud_warning_at, revision)
              where orders.id = fact.id),
            sent as (
              insert into outbox (message_id, message_type, body, trace_parent)
              select id, type, body::jsonb, trace from unnest({All(messages, row => row.MessageId)}, {All(messages, row => row.MessageType)},
                {All(messages, row => row.Body)}, {All(messages, row => row.TraceParent)}) as message (id, type, body, trace))
            select id as "Value" from stored
            """).ToHashSetAsync(cancellationToken);
    }

    private TEntity[] Tracked<TEntity>(EntityState state)
        where TEntity : class => [.. ChangeTracker.Entries<TEntity>().Where(entry => entry.State == state).Select(entry => entry.Entity)];

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
