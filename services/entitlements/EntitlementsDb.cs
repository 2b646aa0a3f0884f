using HomeStage.Entitlements.Accounts;
using HomeStage.Entitlements.Credits;
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

    /// <summary>The account's own id and those that were merged into it: whose things it may see.</summary>
    internal IQueryable<Guid> AliasesOf(Guid account) =>
        Accounts.Where(row => row.Id == account || row.MergedInto == account).Select(row => row.Id);

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<Account>().ToTable("accounts");
        modelBuilder.Entity<Grant>().ToTable("grants");
        modelBuilder.Entity<LedgerEntry>().ToTable("ledger_entries").HasKey(entry => entry.Number);
    }
}
