using System.Data;
using System.Globalization;
using System.Text.Json;
using HomeStage.Staging.Stagings;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Events;

/// <summary>An event as a stream sends it.</summary>
internal sealed record FeedEvent(long N, string Type, string Body);

/// <summary>The state that a stream begins with; <paramref name="N"/> is the last event that it includes.</summary>
internal sealed record FeedSnapshot(long N, string Body, bool Ended);

/// <summary>
/// The numbered events of one job or one account. Reads take a connection for as long as they last. An id on the wire is
/// <c>number.tail</c> with the tail of the subject's id, so that an id of another stream is known as foreign.
/// </summary>
internal abstract class EventFeed(IDbContextFactory<StagingDb> databases, Guid subject)
{
    protected const int BatchSize = 200;

    private readonly string _tail = subject.ToString("N")[^8..];

    /// <summary>The job or account.</summary>
    internal Guid Subject => subject;

    protected IDbContextFactory<StagingDb> Databases => databases;

    internal string IdOf(long n) => string.Create(CultureInfo.InvariantCulture, $"{n}.{_tail}");

    /// <summary>The number in an id of this stream; null for any other text.</summary>
    internal long? NumberOf(string? id)
    {
        var dot = id?.IndexOf('.', StringComparison.Ordinal) ?? -1;
        return dot > 0 && id.AsSpan(dot + 1).SequenceEqual(_tail) && long.TryParse(id.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var n)
            ? n
            : null;
    }

    /// <summary>The type of one event; null if it never was, or is no longer kept.</summary>
    internal abstract Task<string?> TypeOfAsync(long n, CancellationToken cancellationToken);

    internal abstract Task<IReadOnlyList<FeedEvent>> AfterAsync(long n, CancellationToken cancellationToken);

    internal abstract Task<FeedSnapshot> SnapshotAsync(CancellationToken cancellationToken);

    /// <summary>Whether an event of this type is the last.</summary>
    internal abstract bool EndsWith(string type);
}

/// <summary>The events of one job.</summary>
internal sealed class JobFeed(IDbContextFactory<StagingDb> databases, StagingViews views, Guid jobId) : EventFeed(databases, jobId)
{
    internal override async Task<string?> TypeOfAsync(long n, CancellationToken cancellationToken)
    {
        await using var db = await Databases.CreateDbContextAsync(cancellationToken);
        return await db.Events.Where(row => row.JobId == Subject && row.N == n).Select(row => row.Type).SingleOrDefaultAsync(cancellationToken);
    }

    internal override async Task<IReadOnlyList<FeedEvent>> AfterAsync(long n, CancellationToken cancellationToken)
    {
        await using var db = await Databases.CreateDbContextAsync(cancellationToken);
        return await db.Events.Where(row => row.JobId == Subject && row.N > n).OrderBy(row => row.N).Take(BatchSize)
            .Select(row => new FeedEvent(row.N!.Value, row.Type, row.Body)).ToListAsync(cancellationToken);
    }

    internal override async Task<FeedSnapshot> SnapshotAsync(CancellationToken cancellationToken)
    {
        // One row: state and number belong together.
        await using var db = await Databases.CreateDbContextAsync(cancellationToken);
        var job = await db.Jobs.AsNoTracking().SingleAsync(row => row.Id == Subject, cancellationToken);
        var view = await views.OfAsync(job, cancellationToken);
        return new FeedSnapshot(job.LastEvent, JsonSerializer.Serialize(view with { LastEvent = job.LastEvent }, StagingViews.Json), job.IsTerminal);
    }

    internal override bool EndsWith(string type) => type is "succeeded" or "failed" or "canceled";
}

/// <summary>The events of all jobs of an account, and of its credits. It never ends.</summary>
internal sealed class AccountFeed(IDbContextFactory<StagingDb> databases, StagingViews views, Owner owner) : EventFeed(databases, owner.AccountId)
{
    private const int RecentJobs = 20;

    internal override async Task<string?> TypeOfAsync(long n, CancellationToken cancellationToken)
    {
        await using var db = await Databases.CreateDbContextAsync(cancellationToken);
        return await db.Events.Where(row => row.AccountId == Subject && row.AccountN == n).Select(row => row.Type).SingleOrDefaultAsync(cancellationToken);
    }

    internal override async Task<IReadOnlyList<FeedEvent>> AfterAsync(long n, CancellationToken cancellationToken)
    {
        await using var db = await Databases.CreateDbContextAsync(cancellationToken);
        return await db.Events.Where(row => row.AccountId == Subject && row.AccountN > n).OrderBy(row => row.AccountN).Take(BatchSize)
            .Select(row => new FeedEvent(row.AccountN, row.Type, row.Body)).ToListAsync(cancellationToken);
    }

    internal override async Task<FeedSnapshot> SnapshotAsync(CancellationToken cancellationToken)
    {
        await using var db = await Databases.CreateDbContextAsync(cancellationToken);
        // Number and jobs of the same moment.
        await using var moment = await db.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        var last = await db.AccountStreams.Where(row => row.AccountId == Subject).Select(row => row.LastEvent).SingleOrDefaultAsync(cancellationToken);
        var mine = db.Jobs.AsNoTracking().Where(row => owner.Accounts.Contains(row.AccountId) && row.DeletedAt == null);
        var recent = await mine.OrderByDescending(row => row.Id).Take(RecentJobs).ToListAsync(cancellationToken);
        var active = await mine.Where(row => row.DueAt != null).ToListAsync(cancellationToken);
        await moment.CommitAsync(cancellationToken);

        var items = new List<StagingView>();
        foreach (var job in recent.UnionBy(active, row => row.Id).OrderByDescending(row => row.CreatedAt))
            items.Add(await views.OfAsync(job, cancellationToken));
        return new FeedSnapshot(last, JsonSerializer.Serialize(new AccountSnapshotView(items, last), StagingViews.Json), Ended: false);
    }

    internal override bool EndsWith(string type) => false;
}
