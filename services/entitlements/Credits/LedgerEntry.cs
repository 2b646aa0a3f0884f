using System.Globalization;

namespace HomeStage.Entitlements.Credits;

/// <summary>One line of an account's ledger, as it is read.</summary>
internal sealed class LedgerEntry
{
    /// <summary>Orders an account's entries.</summary>
    public required long Number { get; init; }

    public required Guid Id { get; init; }

    public required Guid AccountId { get; init; }

    public required Guid GrantId { get; init; }

    public Guid? OrderId { get; init; }

    public Guid? JobId { get; init; }

    /// <summary><c>grant</c>, <c>hold</c>, <c>release</c>, <c>capture</c>, <c>expire</c>, <c>revoke</c>, <c>restore</c>, <c>adjust</c>, <c>merge</c>, <c>extend</c>, <c>freeze</c>, <c>thaw</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>What the balance changed by.</summary>
    public required int Amount { get; init; }

    /// <summary>
    /// How many credits it is about; the balance does not change by what a capture uses, because the hold took it. Of an extension, days.
    /// </summary>
    public required int Quantity { get; init; }

    /// <summary>The account's credits after it, without those that are held.</summary>
    public required int BalanceAfter { get; init; }

    /// <summary>Who did it.</summary>
    public required string Actor { get; init; }

    /// <summary>Why: a word such as <c>purchase</c> or a job's outcome, or what support wrote.</summary>
    public required string Reason { get; init; }

    public required DateTimeOffset At { get; init; }
}

/// <summary>How the ledger speaks to people.</summary>
internal static class CreditWords
{
    internal static string Count(int credits) => credits == 1 ? "1 credit" : string.Create(CultureInfo.InvariantCulture, $"{credits} credits");

    /// <summary>The entry as a line of a bank statement.</summary>
    internal static string Describe(LedgerEntry entry, string? plan)
    {
        var credits = Count(entry.Quantity);
        return (entry.Kind, entry.Reason) switch
        {
            ("grant", "purchase") => plan is null ? $"Bought {credits}" : $"Bought {credits} ({plan} pack)",
            ("grant", var reason) => $"Received {credits}: {reason}",
            ("hold", _) => $"Set {credits} aside for a staging",
            ("capture", _) => $"Used {credits} for a staging",
            ("release", "failed") => $"Got {credits} back: the staging failed",
            ("release", "canceled") => $"Got {credits} back: the staging was canceled",
            ("release", _) => $"Got {credits} back: not all of the staging was delivered",
            ("expire", _) => $"{credits} expired",
            ("revoke", "refund") => $"{credits} taken back: the money was returned",
            ("revoke", var reason) => $"{credits} taken back: {reason}",
            ("restore", "refund") => $"{credits} restored: the money was not returned after all",
            ("restore", var reason) => $"{credits} restored: {reason}",
            ("merge", _) => entry.Amount < 0 ? $"{credits} moved to the account that this one became part of" : $"{credits} came from the account that you used before",
            ("extend", var reason) => $"Usable for {(entry.Quantity == 1 ? "1 day" : $"{entry.Quantity} days")} longer: {reason}",
            ("freeze", "dispute") => $"{credits} frozen while the payment is disputed",
            ("freeze", _) => $"{credits} frozen by support",
            ("thaw", _) => $"{credits} usable again; the time in between does not count",
            ("adjust", var reason) => $"{credits} {(entry.Amount < 0 ? "removed" : "added")}: {reason}",
            var (_, reason) => reason,
        };
    }
}
