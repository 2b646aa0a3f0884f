using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using HomeStage.Hosting.Idempotency;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace HomeStage.Staging.Stagings;

/// <summary>The <c>Idempotency-Key</c> of a request; <see cref="Value"/> is null without one.</summary>
internal sealed record IdempotencyKey(string? Value)
{
    public static ValueTask<IdempotencyKey> BindAsync(HttpContext context) =>
        ValueTask.FromResult(new IdempotencyKey(IdempotencyKeyHeader.Read(context.Request)));
}

/// <summary>What a key was used for.</summary>
internal sealed record RequestKey
{
    public required Guid AccountId { get; init; }

    public required string Key { get; init; }

    public required byte[] Fingerprint { get; init; }

    /// <summary>The photo or job that the request made.</summary>
    public Guid? ResourceId { get; init; }

    /// <summary>The problem that was answered, as JSON.</summary>
    public string? Refusal { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The refusal once more, or null if the request was accepted.</summary>
    internal ProblemHttpResult? Refused() => Refusal is null ? null : KeptRefusal.Again(Refusal);
}

/// <summary>Hashes all that a request said.</summary>
internal static class Fingerprint
{
    internal static byte[] Of(string operation, IEnumerable<KeyValuePair<string, JsonElement>> fields, ReadOnlySpan<byte> file) =>
        OfHash(operation, fields, SHA256.HashData(file));

    internal static byte[] OfHash(string operation, IEnumerable<KeyValuePair<string, JsonElement>> fields, ReadOnlySpan<byte> sha256)
    {
        var text = new StringBuilder(operation);
        foreach (var (name, value) in fields.OrderBy(field => field.Key, StringComparer.Ordinal))
            text.Append('\n').Append(name).Append('=').Append(value.GetRawText());
        text.Append('\n').Append(Convert.ToHexStringLower(sha256));
        return SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()));
    }
}

/// <summary>
/// Remembers for each key of an account what it was used for, so that a repetition gets the same answer and another request
/// under the key is refused. A request that was refused uses its key up too.
/// </summary>
internal sealed class RequestKeys(IDbContextFactory<StagingDb> databases, TimeProvider time)
{
    /// <summary>What the key was used for by the same request; null if it is new, or there is none.</summary>
    /// <exception cref="ProblemException"><c>idempotency_conflict</c>: another request used it.</exception>
    internal async Task<RequestKey?> FindAsync(Owner owner, IdempotencyKey key, byte[] fingerprint, CancellationToken cancellationToken)
    {
        if (key.Value is not { } value)
            return null;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        // Two accounts that were merged may each have used it: the first use counts.
        var used = await db.RequestKeys.AsNoTracking().Where(row => owner.Accounts.Contains(row.AccountId) && row.Key == value)
            .OrderBy(row => row.CreatedAt).FirstOrDefaultAsync(cancellationToken);
        return used is null || used.Fingerprint.AsSpan().SequenceEqual(fingerprint)
            ? used
            : throw new ProblemException(Problem.Result(ProblemCode.IdempotencyConflict, "Use a new Idempotency-Key for a new request."));
    }

    /// <summary>Stores what the request made, and its key, in one transaction. False, and nothing stored, if the key is used already.</summary>
    internal async Task<bool> TryUseAsync(
        Owner owner, IdempotencyKey key, byte[] fingerprint, Guid resourceId, Action<StagingDb> add, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await TryUseAsync(db, owner, key, fingerprint, resourceId, add, cancellationToken);
    }

    /// <summary>The same in the caller's transaction.</summary>
    internal async Task<bool> TryUseAsync(
        StagingDb db, Owner owner, IdempotencyKey key, byte[] fingerprint, Guid resourceId, Action<StagingDb> add, CancellationToken cancellationToken)
    {
        add(db);
        if (key.Value is { } value)
            db.RequestKeys.Add(New(owner, value, fingerprint) with { ResourceId = resourceId });
        try
        {
            await db.SaveChangesAsync(cancellationToken);
            return true;
        }
        catch (DbUpdateException error) when (error.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            return false;
        }
    }

    /// <summary>Remembers the refusal of a request that has made nothing. False, and nothing stored, if the key is used already.</summary>
    internal async Task<bool> TryRefuseAsync(Owner owner, IdempotencyKey key, byte[] fingerprint, ProblemHttpResult refusal, CancellationToken cancellationToken)
    {
        if (key.Value is not { } value)
            return true;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Database.ExecuteSqlAsync(
            $"""
            insert into request_keys (account_id, key, fingerprint, refusal, created_at)
            values ({owner.AccountId}, {value}, {fingerprint}, {KeptRefusal.Of(refusal)}::json, {time.GetUtcNow()})
            on conflict do nothing
            """,
            cancellationToken) > 0;
    }

    /// <summary>Remembers, in the caller's transaction, that what a request has made is refused after all.</summary>
    internal static async Task RefuseAsync(StagingDb db, Owner owner, IdempotencyKey key, byte[] fingerprint, ProblemHttpResult refusal, CancellationToken cancellationToken)
    {
        if (key.Value is { } value)
            await db.RequestKeys.Where(row => owner.Accounts.Contains(row.AccountId) && row.Key == value && row.Fingerprint == fingerprint)
                .ExecuteUpdateAsync(row => row.SetProperty(used => used.Refusal, KeptRefusal.Of(refusal)), cancellationToken);
    }

    private RequestKey New(Owner owner, string key, byte[] fingerprint) =>
        new() { AccountId = owner.AccountId, Key = key, Fingerprint = fingerprint, CreatedAt = time.GetUtcNow() };
}

/// <summary>Every refusal of a request that could cost something says that it cost nothing.</summary>
internal sealed class NothingBilledFilter : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            var result = await next(context);
            return result is INestedHttpResult { Result: ProblemHttpResult problem } ? Marked(problem) : result;
        }
        catch (ProblemException refusal)
        {
            return Marked(refusal.Result);
        }
    }

    private static ProblemHttpResult Marked(ProblemHttpResult problem)
    {
        problem.ProblemDetails.Extensions["billed"] = false;
        return problem;
    }
}
