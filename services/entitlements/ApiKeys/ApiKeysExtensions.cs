using System.Security.Cryptography;
using System.Text;
using HomeStage.Entitlements.Accounts;
using HomeStage.Entitlements.Credits;
using HomeStage.Hosting;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Idempotency;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace HomeStage.Entitlements.ApiKeys;

/// <summary><c>/api/v1/api-keys</c>: members make, see and revoke their programs' keys. A program cannot, whatever its key.</summary>
internal static class ApiKeysExtensions
{
    private const int MostKeys = 50;

    /// <summary>Maps the routes of members and those of the gateway; reads <c>API_KEY_PEPPER</c>.</summary>
    internal static void AddApiKeys(this ServiceBuilder service)
    {
        var pepper = service.Settings.Secret("API_KEY_PEPPER", "a random secret that API keys are hashed with; whoever changes it makes every key useless");
        service.Services.AddSingleton(new ApiKeyHasher(Encoding.UTF8.GetBytes(pepper)));
        service.Map(app =>
        {
            var own = app.MapGroup("/api/v1/api-keys").RequireCaller("gateway").AddEndpointFilter(UsageUnavailable.Filter).AddEndpointFilter(RequireMember)
                .Refuses(ProblemCode.Unauthenticated, ProblemCode.Forbidden, ProblemCode.UsageUnavailable);
            own.MapPost("", CreateAsync)
                .Describe(
                    "API keys", "createApiKey", "Make an API key",
                    "For somebody who has signed in. The key is in this answer and nowhere else again, not even for a repetition under the same `Idempotency-Key`.")
                .Takes<ApiKeyForm>("application/json")
                .RequestExample("""{"name":"uploader","scopes":["stagings:write","stagings:read"],"monthlyCredits":200}""")
                .AnswersHeader(201, "Location", "The key's figures.")
                .TakesIdempotencyKey()
                .Refuses(ProblemCode.ValidationFailed, ProblemCode.Conflict, ProblemCode.UnsupportedMediaType);
            own.MapGet("", ListAsync).Describe("API keys", "listApiKeys", "The keys that were not revoked, the newest first");
            own.MapGet("/{id:guid}", GetAsync).Describe("API keys", "getApiKey", "A key and what it did this month").Explains("id", "The key.").Refuses(ProblemCode.NotFound);
            own.MapDelete("/{id:guid}", RevokeAsync)
                .Describe("API keys", "revokeApiKey", "Revoke a key", "It is refused everywhere within a second, and its open event streams close. To revoke it again is harmless.")
                .Explains("id", "The key.")
                .Refuses(ProblemCode.NotFound);
            app.MapApiKeyResolution();
        });
    }

    private static async ValueTask<object?> RequireMember(EndpointFilterInvocationContext context, EndpointFilterDelegate next) =>
        context.Arguments.OfType<Caller>().Single() switch
        {
            { Kind: CallerKind.Member, SessionId: not null } => await next(context),
            { Kind: CallerKind.Visitor or CallerKind.Member or CallerKind.Key } => Problem.Result(ProblemCode.Forbidden, "Only somebody who has signed in manages API keys."),
            _ => Problem.Result(ProblemCode.Unauthenticated, "Sign in first."),
        };

    private static async Task<Results<Created<ApiKeyView>, ProblemHttpResult>> CreateAsync(
        Caller caller,
        HttpRequest request,
        ApiKeyHasher hasher,
        IDbContextFactory<EntitlementsDb> databases,
        IOptions<JsonOptions> json,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (!request.HasJsonContentType())
            return Problem.Result(ProblemCode.UnsupportedMediaType, "Send application/json.");
        var idempotencyKey = IdempotencyKeyHeader.Read(request);
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, cancellationToken);
        var bytes = body.ToArray();
        var now = time.GetUtcNow();
        var (form, errors) = ApiKeyForm.Parse(bytes, json.Value.SerializerOptions, now);
        var refusal = form is null ? Problem.Invalid(errors) : null;
        if (refusal is not null && idempotencyKey is null)
            return refusal;

        var key = ApiKeyText.Create();
        string[] scopes = [.. ApiKeyScopes.All.Intersect(form?.Scopes ?? [], StringComparer.Ordinal)];
        var kept = refusal is null ? null : KeptRefusal.Of(refusal);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var answers = await db.Database.SqlQuery<MakeAnswer>(
            $"""
            select * from make_api_key({Guid.CreateVersion7(now)}, {caller.AccountId}, {form?.Name!.Trim()}::text, {hasher.Hash(ApiKeyText.HashOf(key))}, {key[^4..]},
              {scopes}, {form?.RequestsPerMinute}::int, {form?.MonthlyCredits}::int, {form?.ExpiresAt?.ToUniversalTime()}::timestamptz,
              {idempotencyKey}::text, {SHA256.HashData(bytes)}, {kept}::text, {MostKeys}, {KeptRefusal.Of(TooMany())}, {now})
            """).ToListAsync(cancellationToken);
        switch (answers[0])
        {
            case { Result: "different" }:
                return Problem.Result(ProblemCode.IdempotencyConflict, "Use a new Idempotency-Key for a new request.");
            case { Refusal: { } refused }:
                return KeptRefusal.Again(refused);
        }

        var view = await Views(db, caller.AccountId, now).SingleAsync(row => row.Id == answers[0].Id, cancellationToken);
        // Said once: a repetition gets the same key's figures, without the key.
        return TypedResults.Created($"/api/v1/api-keys/{view.Id}", answers[0].Result == "created" ? ApiKeyView.Of(view) with { Key = key } : ApiKeyView.Of(view));
    }

    private static ProblemHttpResult TooMany() => Problem.Result(ProblemCode.Conflict, $"An account has {MostKeys} keys at most. Revoke one that is not needed.");

    private static async Task<Ok<ApiKeyList>> ListAsync(Caller caller, IDbContextFactory<EntitlementsDb> databases, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var rows = await Views(db, caller.AccountId, time.GetUtcNow()).Where(row => row.RevokedAt == null).OrderByDescending(row => row.CreatedAt).ToListAsync(cancellationToken);
        return TypedResults.Ok(new ApiKeyList([.. rows.Select(ApiKeyView.Of)]));
    }

    private static async Task<Results<Ok<ApiKeyView>, ProblemHttpResult>> GetAsync(
        Caller caller, Guid id, IDbContextFactory<EntitlementsDb> databases, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await Views(db, caller.AccountId, time.GetUtcNow()).SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is { } row
            ? TypedResults.Ok(ApiKeyView.Of(row))
            : Problem.Result(ProblemCode.NotFound);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> RevokeAsync(
        Caller caller, Guid id, IDbContextFactory<EntitlementsDb> databases, Revocations revocations, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var found = await db.Database.SqlQuery<bool>(
            $"select revoke_api_key({caller.AccountId}, {id}, {time.GetUtcNow()}) as \"Value\"").ToListAsync(cancellationToken);
        if (!found[0])
            return Problem.Result(ProblemCode.NotFound);
        await revocations.AnnounceAsync();
        return TypedResults.NoContent();
    }

    private static IQueryable<ApiKeyRow> Views(EntitlementsDb db, Guid account, DateTimeOffset now) => db.Database.SqlQuery<ApiKeyRow>(
        $"""
        select k.id, k.name, k.hint, k.scopes, k.requests_per_minute, k.monthly_credits, k.expires_at, k.created_at, k.last_used_at, k.revoked_at,
          api_key_credits(k.id, {now}) as credits,
          (select count(*) from holds h where h.api_key_id = k.id and h.taken_at >= month_of({now}))::int as stagings,
          coalesce((select r.requests from api_key_requests r where r.key_id = k.id and r.month = month_of({now})::date), 0) as requests
        from api_keys k where k.account_id = {account}
        """);

    private sealed record MakeAnswer(string Result, Guid? Id, string? Refusal);
}

/// <summary>Keys hold 238 random bits, so one keyed hash suffices; the pepper makes a copy of the table useless.</summary>
internal sealed class ApiKeyHasher(byte[] pepper)
{
    /// <param name="sha256">SHA-256 of the key, as the gateway sends it.</param>
    internal byte[] Hash(byte[] sha256) => HMACSHA256.HashData(pepper, sha256);
}

/// <summary>A key and its figures, as they are read.</summary>
internal sealed record ApiKeyRow(
    Guid Id, string Name, string Hint, string[] Scopes, int? RequestsPerMinute, int? MonthlyCredits, DateTimeOffset? ExpiresAt, DateTimeOffset CreatedAt,
    DateTimeOffset? LastUsedAt, DateTimeOffset? RevokedAt, int Credits, int Stagings, long Requests);

/// <summary>Answer to <c>GET /api/v1/api-keys</c>: those that were not revoked, the newest first.</summary>
internal sealed record ApiKeyList(IReadOnlyList<ApiKeyView> Items);

/// <summary>A key as its owner sees it.</summary>
/// <param name="Id">For <c>/api/v1/api-keys/{id}</c>.</param>
/// <param name="Name">What its owner calls it.</param>
/// <param name="Hint">How it begins and ends.</param>
/// <param name="Scopes">What it may do.</param>
/// <param name="RequestsPerMinute">Its own limit.</param>
/// <param name="MonthlyCredits">Credits that its jobs may hold or use in a month.</param>
/// <param name="ExpiresAt">When it ends by itself.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="LastUsedAt">When it was last used, to within half a minute.</param>
/// <param name="RevokedAt">When it was revoked.</param>
/// <param name="ThisMonth">What it did this month (UTC).</param>
/// <param name="Key">The key, in the answer that made it and never again.</param>
internal sealed record ApiKeyView(
    Guid Id, string Name, string Hint, IReadOnlyList<string> Scopes, int? RequestsPerMinute, int? MonthlyCredits, DateTimeOffset? ExpiresAt,
    DateTimeOffset CreatedAt, DateTimeOffset? LastUsedAt, DateTimeOffset? RevokedAt, ApiKeyUsage ThisMonth,
    [property: System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)] string? Key = null)
{
    internal static ApiKeyView Of(ApiKeyRow row) => new(
        row.Id, row.Name, $"{ApiKeyText.Prefix}…{row.Hint}", row.Scopes, row.RequestsPerMinute, row.MonthlyCredits, row.ExpiresAt, row.CreatedAt, row.LastUsedAt,
        row.RevokedAt, new(row.Requests, row.Stagings, row.Credits));
}

/// <summary>What a key did in a month.</summary>
/// <param name="Requests">Requests, as gateways count them; a minute late at most.</param>
/// <param name="Stagings">Jobs.</param>
/// <param name="Credits">Credits that its jobs hold or have used.</param>
internal sealed record ApiKeyUsage(long Requests, int Stagings, int Credits);
