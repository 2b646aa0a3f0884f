using HomeStage.Entitlements.Credits;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.ApiKeys;

/// <summary>Body of <c>POST /internal/api-keys/resolve</c>.</summary>
/// <param name="Hash">SHA-256 of the key in lower-case hexadecimal.</param>
internal sealed record ApiKeyQuery(string Hash);

/// <summary>Whose key it is and what it may do.</summary>
internal sealed record ApiKeyResolved(Guid KeyId, Guid AccountId, IReadOnlyList<string> Scopes, int? RequestsPerMinute, DateTimeOffset? ExpiresAt);

/// <summary>Body of <c>POST /internal/api-keys/usage</c>.</summary>
internal sealed record ApiKeyRequests(IReadOnlyList<ApiKeyRequestCount> Counts);

/// <summary>Requests made with a key since the gateway last said.</summary>
internal sealed record ApiKeyRequestCount(Guid KeyId, int Requests);

/// <summary>What the gateway asks and tells about keys.</summary>
internal static class ApiKeyResolution
{
    private const int MostCounts = 10_000;

    internal static void MapApiKeyResolution(this IEndpointRouteBuilder routes)
    {
        var keys = routes.MapGroup("/internal/api-keys").RequireCaller("gateway").AddEndpointFilter(UsageUnavailable.Filter);
        keys.MapPost("/resolve", ResolveAsync);
        keys.MapPost("/usage", CountAsync);
    }

    private static async Task<Results<Ok<ApiKeyResolved>, ProblemHttpResult>> ResolveAsync(
        ApiKeyQuery query, ApiKeyHasher hasher, IDbContextFactory<EntitlementsDb> databases, TimeProvider time, CancellationToken cancellationToken)
    {
        var sha256 = new byte[32];
        if (query.Hash.Length != 64 || Convert.FromHexString(query.Hash, sha256, out _, out _) != System.Buffers.OperationStatus.Done)
            return Problem.Invalid("hash", "Send SHA-256 in hexadecimal.");
        var hash = hasher.Hash(sha256);
        var now = time.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        // Found by the keyed hash: how long the search takes tells nothing of any key.
        var found = await db.Database.SqlQuery<ApiKeyResolved>(
            $"""
            select k.id as key_id, k.account_id, k.scopes, k.requests_per_minute, k.expires_at from api_keys k
            where k.hash = {hash} and k.revoked_at is null and (k.expires_at is null or k.expires_at > {now})
            """).ToListAsync(cancellationToken);
        if (found is not [var key])
            return Problem.Result(ProblemCode.NotFound);
        await db.Database.ExecuteSqlAsync(
            $"update api_keys set last_used_at = {now} where id = {key.KeyId} and (last_used_at is null or last_used_at < {now})", cancellationToken);
        return TypedResults.Ok(key);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> CountAsync(
        ApiKeyRequests said, IDbContextFactory<EntitlementsDb> databases, TimeProvider time, CancellationToken cancellationToken)
    {
        if (said.Counts.Count > MostCounts || said.Counts.Any(count => count.Requests < 1) || said.Counts.DistinctBy(count => count.KeyId).Count() < said.Counts.Count)
            return Problem.Invalid("counts", "Name each key once, with a number above 0.");
        Guid[] keys = [.. said.Counts.Select(count => count.KeyId)];
        int[] requests = [.. said.Counts.Select(count => count.Requests)];
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync(
            $"""
            insert into api_key_requests as r (key_id, month, requests)
            select k.id, month_of({time.GetUtcNow()})::date, said.requests
            from unnest({keys}, {requests}) as said (id, requests) join api_keys k on k.id = said.id order by k.id
            on conflict (key_id, month) do update set requests = r.requests + excluded.requests
            """,
            cancellationToken);
        return TypedResults.NoContent();
    }
}
