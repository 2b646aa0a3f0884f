using System.Buffers.Text;
using System.Security.Cryptography;
using HomeStage.Staging.Attempts;
using HomeStage.Staging.Stagings;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Disclosures;

/// <summary>A public page that shows one staged picture beside its photo; whoever has the token may see the two.</summary>
internal sealed record Disclosure
{
    public required string Token { get; init; }

    public required Guid JobId { get; init; }

    /// <summary>Which picture of the job, from 1.</summary>
    public required int N { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>From when on the page is gone; a new one has another token.</summary>
    public DateTimeOffset? RevokedAt { get; init; }
}

/// <summary>A disclosure with the job whose picture it shows.</summary>
internal sealed record Disclosed(Disclosure Disclosure, Job Job)
{
    internal Picture Picture => Job.Pictures[Disclosure.N - 1];
}

/// <summary>Makes, finds and revokes disclosures. A picture has one at most that is live.</summary>
internal sealed class DisclosureStore(IDbContextFactory<StagingDb> databases, TimeProvider time)
{
    private const int TokenBytes = 16;

    /// <summary>The length of a token: base64url of 128 random bits.</summary>
    internal static readonly int TokenLength = Base64Url.GetEncodedLength(TokenBytes);

    /// <summary>The live disclosure of a picture, made if there is none. Null if the owner has no such picture.</summary>
    internal async Task<Disclosed?> EnsureAsync(Owner owner, Guid jobId, int n, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await JobAsync(db, owner, jobId, n, cancellationToken) is not { } job)
            return null;
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        await db.Database.ExecuteSqlAsync(
            $"""
            insert into disclosures (token, job_id, n, created_at)
            select {token}, id, {n}, {time.GetUtcNow()} from jobs where id = {jobId} and deleted_at is null for share
            on conflict (job_id, n) where revoked_at is null do nothing
            """,
            cancellationToken);
        // Null if it was revoked, or the job deleted, in the same moment.
        return await LiveAsync(db, job, n, cancellationToken);
    }

    /// <summary>The live disclosure of a picture; null if there is none, or no such picture of this owner.</summary>
    internal async Task<Disclosed?> FindAsync(Owner owner, Guid jobId, int n, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await JobAsync(db, owner, jobId, n, cancellationToken) is { } job ? await LiveAsync(db, job, n, cancellationToken) : null;
    }

    /// <summary>The live disclosure with this token, for anybody; null if there is none.</summary>
    internal async Task<Disclosed?> FindAsync(string token, CancellationToken cancellationToken)
    {
        if (token.Length != TokenLength)
            return null;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await (
            from disclosure in db.Disclosures.AsNoTracking()
            join job in db.Jobs.AsNoTracking() on disclosure.JobId equals job.Id
            where disclosure.Token == token && disclosure.RevokedAt == null && job.DeletedAt == null
            select new Disclosed(disclosure, job)).SingleOrDefaultAsync(cancellationToken);
    }

    /// <summary>Revokes the live disclosure of a picture. False if the owner has no such picture.</summary>
    internal async Task<bool> RevokeAsync(Owner owner, Guid jobId, int n, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await JobAsync(db, owner, jobId, n, cancellationToken) is null)
            return false;
        await RevokeAsync(db.Disclosures.Where(disclosure => disclosure.JobId == jobId && disclosure.N == n), cancellationToken);
        return true;
    }

    /// <summary>Revokes all of a job.</summary>
    internal async Task RevokeAsync(Guid jobId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await RevokeAsync(db.Disclosures.Where(disclosure => disclosure.JobId == jobId), cancellationToken);
    }

    /// <summary>Whether any picture of a job is disclosed.</summary>
    internal async Task<bool> AnyAsync(Guid jobId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Disclosures.AnyAsync(disclosure => disclosure.JobId == jobId && disclosure.RevokedAt == null, cancellationToken);
    }

    /// <summary>Whether any picture of a listing is disclosed.</summary>
    internal async Task<bool> AnyOfListingAsync(Guid listingId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Disclosures.AnyAsync(
            disclosure => disclosure.RevokedAt == null && db.Jobs.Any(job => job.Id == disclosure.JobId && job.ListingId == listingId && job.DeletedAt == null), cancellationToken);
    }

    private Task<int> RevokeAsync(IQueryable<Disclosure> disclosures, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return disclosures.Where(disclosure => disclosure.RevokedAt == null)
            .ExecuteUpdateAsync(rows => rows.SetProperty(disclosure => disclosure.RevokedAt, now), cancellationToken);
    }

    private static async Task<Job?> JobAsync(StagingDb db, Owner owner, Guid jobId, int n, CancellationToken cancellationToken) =>
        await db.Jobs.Of(owner).SingleOrDefaultAsync(job => job.Id == jobId, cancellationToken) is { } job && n >= 1 && n <= job.Pictures.Length ? job : null;

    private static async Task<Disclosed?> LiveAsync(StagingDb db, Job job, int n, CancellationToken cancellationToken) =>
        await db.Disclosures.AsNoTracking().SingleOrDefaultAsync(row => row.JobId == job.Id && row.N == n && row.RevokedAt == null, cancellationToken) is { } disclosure
            ? new Disclosed(disclosure, job)
            : null;
}
