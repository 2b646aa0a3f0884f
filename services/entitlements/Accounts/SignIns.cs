using System.Diagnostics;
using HomeStage.Entitlements.Credits;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Messaging;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.Accounts;

/// <summary>Body of <c>POST /internal/sign-ins</c>.</summary>
internal sealed record SignInRequest
{
    /// <summary>The provider, as its tokens name it.</summary>
    public required string Issuer { get; init; }

    /// <summary>The person at that provider. Never an e-mail address.</summary>
    public required string Subject { get; init; }

    /// <summary>The member's new session.</summary>
    public required Guid SessionId { get; init; }

    /// <summary>What the person may recognise the device by.</summary>
    public string? Device { get; init; }

    /// <summary>The session that the browser had, which ends; null if it had none.</summary>
    public OldSession? Old { get; init; }

    /// <summary>Whether the person wants what the visitor of this browser has; null before they were asked.</summary>
    public bool? Merge { get; init; }
}

/// <summary>A session that ends with a sign-in.</summary>
internal sealed record OldSession(Guid SessionId, Guid AccountId, string Kind);

/// <summary>What became of a sign-in.</summary>
/// <param name="Result"><c>first</c>, <c>known</c>, <c>merged</c>, or <c>ask</c>: nothing was done, and the person has to say whose the visitor's things are.</param>
/// <param name="AccountId">The account of the identity.</param>
internal sealed record SignInDone(string Result, Guid AccountId);

/// <summary>Body of <c>POST /internal/identities/resolve</c>.</summary>
internal sealed record IdentityRequest(string Issuer, string Subject);

/// <summary>The account of an identity.</summary>
internal sealed record IdentityResolved(Guid AccountId);

/// <summary>Which account an identity (issuer, subject) of an OpenID Connect provider has. The gateway has checked the tokens.</summary>
internal static partial class SignIns
{
    private const int Longest = 2_000;

    internal static void AddSignIns(this ServiceBuilder service) => service.Map(app =>
    {
        app.MapPost("/internal/sign-ins", SignInAsync).RequireCaller("gateway").AddEndpointFilter(UsageUnavailable.Filter);
        app.MapPost("/internal/identities/resolve", ResolveAsync).RequireCaller("gateway").AddEndpointFilter(UsageUnavailable.Filter);
    });

    private static async Task<Results<Ok<SignInDone>, ProblemHttpResult>> SignInAsync(
        SignInRequest request,
        IDbContextFactory<EntitlementsDb> databases,
        Outbox outbox,
        Revocations revocations,
        TimeProvider time,
        ILogger<EntitlementsDb> logger,
        CancellationToken cancellationToken)
    {
        if (Validate(request.Issuer, request.Subject) is { } invalid)
            return invalid;
        if (request.Old is { Kind: not ("visitor" or "member") })
            return Problem.Invalid("old.kind", "Use visitor or member.");

        var now = time.GetUtcNow();
        var old = request.Old;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var answers = await db.Database.SqlQuery<SignInAnswer>(
            $"""
            select * from sign_in({request.Issuer}, {request.Subject}, {request.SessionId}, {request.Device}::text, {old?.SessionId}::uuid,
              {old?.AccountId}::uuid, {old?.Kind}::text, {request.Merge}::boolean, {Guid.CreateVersion7(now)}, {now}, {Activity.Current?.Id}::text)
            """).ToListAsync(cancellationToken);
        var answer = answers[0];
        if (answer.Result == "merged")
            outbox.Wake();
        if (answer.Result != "ask")
            await revocations.AnnounceAsync();
        Log.SignedIn(logger, answer.Account, answer.Result);
        return TypedResults.Ok(new SignInDone(answer.Result, answer.Account));
    }

    private static async Task<Results<Ok<IdentityResolved>, ProblemHttpResult>> ResolveAsync(
        IdentityRequest request, IDbContextFactory<EntitlementsDb> databases, TimeProvider time, CancellationToken cancellationToken)
    {
        if (Validate(request.Issuer, request.Subject) is { } invalid)
            return invalid;
        var now = time.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var accounts = await db.Database.SqlQuery<Guid>(
            $"select account_of_identity({request.Issuer}, {request.Subject}, {Guid.CreateVersion7(now)}, {now}) as \"Value\"").ToListAsync(cancellationToken);
        return TypedResults.Ok(new IdentityResolved(accounts[0]));
    }

    private static ProblemHttpResult? Validate(string issuer, string subject)
    {
        if (issuer.Length is 0 or > Longest)
            return Problem.Invalid("issuer", "Name the provider.");
        return subject.Length is 0 or > Longest ? Problem.Invalid("subject", "Name the person.") : null;
    }

    private sealed record SignInAnswer(string Result, Guid Account);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Sign-in to account {Account}: {Result}", EventName = "signed_in")]
        public static partial void SignedIn(ILogger logger, Guid account, string result);
    }
}
