using HomeStage.Entitlements.Credits;

namespace HomeStage.Entitlements.Support;

/// <summary>
/// A grant with all that became of its credits: <c>credits + adjusted = remaining + held + captured + expired + revokedByPayment +
/// revokedBySupport</c>. <c>Source</c> is <c>purchase</c> or <c>support</c>; <c>Status</c> is <c>active</c>, <c>grace</c>, <c>used</c>,
/// <c>expired</c> or <c>frozen</c>; <c>FrozenReasons</c> has any of <c>dispute</c> and <c>support</c>.
/// </summary>
internal sealed record SupportGrant(
    Guid Id,
    Guid AccountId,
    string Source,
    Guid? OrderId,
    string? Plan,
    string Status,
    int Credits,
    int Adjusted,
    int Remaining,
    int Held,
    int Captured,
    int Expired,
    int RevokedByPayment,
    int RevokedBySupport,
    DateTimeOffset GrantedAt,
    DateTimeOffset ExpiresAt,
    DateTimeOffset? GraceUntil,
    DateTimeOffset? FrozenAt,
    IReadOnlyList<string> FrozenReasons)
{
    internal static SupportGrant Of(Grant grant, DateTimeOffset now) => new(
        grant.Id, grant.AccountId, grant.Source, grant.OrderId, grant.Plan, grant.Status(now), grant.Credits, grant.Adjusted, grant.Remaining, grant.Held,
        grant.Captured, grant.Expired, grant.RevokedByPayment, grant.RevokedBySupport, grant.GrantedAt, grant.ExpiresAt, grant.GraceUntil, grant.FrozenAt,
        grant.FrozenReasons);
}

/// <summary>A line of the ledger as support sees it: with the account that it was written for, and who wrote it.</summary>
internal sealed record SupportEntry(
    Guid Id,
    DateTimeOffset At,
    Guid AccountId,
    string Kind,
    int Amount,
    int Quantity,
    int BalanceAfter,
    string Actor,
    string Reason,
    Guid GrantId,
    Guid? OrderId,
    Guid? JobId,
    string Description)
{
    internal static SupportEntry Of(LedgerEntry entry, string? plan) => new(
        entry.Id, entry.At, entry.AccountId, entry.Kind, entry.Amount, entry.Quantity, entry.BalanceAfter, entry.Actor, entry.Reason, entry.GrantId,
        entry.OrderId, entry.JobId, CreditWords.Describe(entry, plan));
}
