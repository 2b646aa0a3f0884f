using HomeStage.Entitlements.Accounts;
using HomeStage.Entitlements.Credits;
using HomeStage.Entitlements.FreeUsage;
using HomeStage.Entitlements.Support;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements;

/// <summary>
/// The service's database as it is read. What decides or moves credits is a function of the database, called through <see cref="Ledger"/>;
/// the service's role could not write these tables.
/// </summary>
internal sealed class EntitlementsDb(DbContextOptions<EntitlementsDb> options) : DbContext(options)
{
    internal DbSet<Account> Accounts => Set<Account>();

    internal DbSet<Grant> Grants => Set<Grant>();

    internal DbSet<LedgerEntry> LedgerEntries => Set<LedgerEntry>();

    internal DbSet<HoldRow> Holds => Set<HoldRow>();

    internal DbSet<PaymentAdjustment> PaymentAdjustments => Set<PaymentAdjustment>();

    /// <summary>Written by <see cref="SupportDesk"/>; append-only.</summary>
    internal DbSet<SupportAuditRow> SupportAudit => Set<SupportAuditRow>();

    internal DbSet<AddressBlock> AddressBlocks => Set<AddressBlock>();

    /// <summary>The account's own id and those that were merged into it: whose things it may see.</summary>
    internal IQueryable<Guid> AliasesOf(Guid account) =>
        Accounts.Where(row => row.Id == account || row.MergedInto == account).Select(row => row.Id);

    /// <summary>
    /// The newest entries before a number of the account, and as many of each that was merged into it, in no order. Each is read by its
    /// index, from there on and no further, which is more than a query in C# could say. Empty packs change hands, too, which is nothing to
    /// people.
    /// </summary>
    internal IQueryable<LedgerEntry> NewestEntries(Guid account, int count, long before = long.MaxValue) => LedgerEntries.FromSql(
        $"""
        select e.* from accounts a cross join lateral (
          select l.* from ledger_entries l where l.account_id = a.id and l.number < {before} and (l.kind <> 'merge' or l.quantity > 0)
          order by l.number desc limit {count}) e
        where a.id = {account} or a.merged_into = {account}
        """);

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<Account>().ToTable("accounts");
        modelBuilder.Entity<Grant>().ToTable("grants");
        modelBuilder.Entity<LedgerEntry>().ToTable("ledger_entries").HasKey(entry => entry.Number);
        modelBuilder.Entity<HoldRow>().ToTable("holds").HasKey(hold => hold.JobId);
        modelBuilder.Entity<PaymentAdjustment>().ToTable("payment_adjustments").HasKey(said => said.OrderId);
        modelBuilder.Entity<AddressBlock>().ToTable("address_blocks").HasKey(block => block.AddressHash);
        modelBuilder.Entity<SupportAuditRow>(row =>
        {
            row.ToTable("support_audit").HasKey(audit => audit.Number);
            row.Property(audit => audit.Number).UseIdentityAlwaysColumn();
            row.Property(audit => audit.Arguments).HasColumnType("jsonb");
            row.Property(audit => audit.Answer).HasColumnType("jsonb");
        });
    }
}
