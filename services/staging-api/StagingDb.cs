using System.Collections.Immutable;
using System.Text.Json;
using HomeStage.Hosting.Messaging;
using HomeStage.Staging.Accounts;
using HomeStage.Staging.Attempts;
using HomeStage.Staging.Disclosures;
using HomeStage.Staging.Events;
using HomeStage.Staging.Listings;
using HomeStage.Staging.Photos;
using HomeStage.Staging.Stagings;
using HomeStage.Staging.WebhookEndpoints;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;

namespace HomeStage.Staging;

/// <summary>Photos, jobs, their events, and the keys that requests were made under.</summary>
internal sealed class StagingDb(DbContextOptions<StagingDb> options) : DbContext(options)
{
    public DbSet<Job> Jobs => Set<Job>();

    public DbSet<Listing> Listings => Set<Listing>();

    public DbSet<Photo> Photos => Set<Photo>();

    public DbSet<StoredEvent> Events => Set<StoredEvent>();

    public DbSet<AccountStream> AccountStreams => Set<AccountStream>();

    public DbSet<RequestKey> RequestKeys => Set<RequestKey>();

    public DbSet<Disclosure> Disclosures => Set<Disclosure>();

    public DbSet<WebhookEndpoint> WebhookEndpoints => Set<WebhookEndpoint>();

    public DbSet<WebhookDelivery> WebhookDeliveries => Set<WebhookDelivery>();

    public DbSet<WebhookAttempt> WebhookAttempts => Set<WebhookAttempt>();

    public DbSet<AccountAlias> AccountAliases => Set<AccountAlias>();

    /// <summary>The accounts whose things a caller owns: its own and those that were merged into it.</summary>
    public async Task<Guid[]> OwnersAsync(Guid accountId, CancellationToken cancellationToken) =>
        [accountId, .. await AccountAliases.Where(alias => alias.IntoAccount == accountId).Select(alias => alias.FromAccount).ToListAsync(cancellationToken)];

    /// <summary>
    /// Locks rows of jobs until the transaction ends, those of a listing in its order: whoever changes several takes them all before
    /// appending an event, so that nobody waits in a circle.
    /// </summary>
    public Task<List<Guid>> LockJobsAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken) => Database.SqlQuery<Guid>(
        $"""select id as "Value" from jobs where id = any({ids.ToArray()}) order by listing_id, listing_n, id for update""").ToListAsync(cancellationToken);

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.AddOutbox();
        modelBuilder.Entity<Job>(job =>
        {
            job.Property(row => row.Revision).IsConcurrencyToken();
            job.HasOne<Listing>().WithMany().HasForeignKey(row => row.ListingId);
            job.Property(row => row.Status).HasConversion(
                status => status.ToString().ToLowerInvariant(), text => Enum.Parse<JobStatus>(text, ignoreCase: true));
            job.Property(row => row.Pictures).HasColumnType("jsonb").HasConversion(
                pictures => JsonSerializer.Serialize(pictures, JsonSerializerOptions.Web),
                text => JsonSerializer.Deserialize<ImmutableArray<Picture>>(text, JsonSerializerOptions.Web),
                new ValueComparer<ImmutableArray<Picture>>(
                    (left, right) => left.SequenceEqual(right), pictures => pictures.Length, pictures => pictures));
        });
        modelBuilder.Entity<StoredEvent>(row =>
        {
            row.HasKey(stored => new { stored.AccountId, stored.AccountN });
            row.Property(stored => stored.Body).HasColumnType("json");
        });
        modelBuilder.Entity<Disclosure>().HasKey(disclosure => disclosure.Token);
        modelBuilder.Entity<WebhookDelivery>().HasKey(delivery => delivery.N);
        modelBuilder.Entity<WebhookAttempt>().HasKey(attempt => new { attempt.DeliveryN, attempt.N });
        modelBuilder.Entity<AccountAlias>().HasKey(alias => alias.FromAccount);
        modelBuilder.Entity<AccountStream>().HasKey(stream => stream.AccountId);
        modelBuilder.Entity<RequestKey>(row =>
        {
            row.HasKey(key => new { key.AccountId, key.Key });
            row.Property(key => key.Refusal).HasColumnType("json");
        });
    }
}
