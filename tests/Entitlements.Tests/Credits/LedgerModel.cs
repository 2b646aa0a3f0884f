namespace HomeStage.Entitlements.Tests.Credits;

/// <summary>
/// The ledger's rules, said again in the plainest way: what the database functions are compared with. One household for all accounts.
/// </summary>
internal sealed class LedgerModel(int freeLimit, TimeSpan freeWindow)
{
    private static readonly TimeSpan Grace = TimeSpan.FromHours(24);

    private readonly List<Pack> _packs = [];
    private readonly Dictionary<Guid, Claim> _claims = [];

    internal IEnumerable<Pack> Packs => _packs;

    internal int Grant(Guid account, Guid order, int credits, DateTimeOffset expiresAt, DateTimeOffset now)
    {
        ExpireDue(now);
        if (_packs.Exists(pack => pack.Order == order))
            return 0;
        _packs.Add(new Pack { Account = account, Order = order, Remaining = credits, GrantedAt = now, ExpiresAt = expiresAt });
        ExpireDue(now);
        return credits;
    }

    internal string Hold(Guid account, Guid job, int credits, bool draft, bool session, DateTimeOffset now)
    {
        if (_claims.TryGetValue(job, out var before))
            return before.Settled ? "settled" : (before.Account, before.Price, before.Draft) == (account, credits, draft) ? Taken(before) : "different";
        ExpireDue(now);
        var usable = BurnOrder(account).Where(pack => pack.Remaining > 0).ToList();
        var available = usable.Sum(pack => pack.Remaining);
        var claim = new Claim { Account = account, Price = credits, Draft = draft, TakenAt = now };
        if (available >= credits)
        {
            var missing = credits;
            foreach (var pack in usable)
            {
                var part = Math.Min(missing, pack.Remaining);
                if (part == 0)
                    break;
                pack.Remaining -= part;
                claim.Parts[pack] = part;
                missing -= part;
            }
        }
        else if (available == 0 && session && draft && credits <= FreeLeft(now))
        {
            claim.FreePictures = credits;
        }
        else
        {
            return available == 0 && session && draft && FreeLeft(now) == 0 ? "free_exhausted" : "insufficient";
        }

        _claims[job] = claim;
        return Taken(claim);
    }

    internal string Settle(Guid account, Guid job, int used, string outcome, DateTimeOffset now)
    {
        if (!_claims.TryGetValue(job, out var claim))
        {
            _claims[job] = new Claim { Account = account, Settled = true, Used = used, Outcome = outcome };
            return "before_hold 0 0";
        }

        if (claim.Account != account)
            return "refused";
        if (claim.Settled)
            return (claim.Used, claim.Outcome) == (used, outcome) ? "repeated 0 0" : "contradicted 0 0";
        if (used > claim.Price)
            return "refused";
        ExpireDue(now);
        (claim.Settled, claim.Used, claim.Outcome) = (true, used, outcome);
        var (captured, released) = (0, 0);
        foreach (var pack in BurnOrder(account).Where(claim.Parts.ContainsKey).ToList())
        {
            var capture = Math.Min(claim.Parts[pack], used - captured);
            var release = claim.Parts[pack] - capture;
            captured += capture;
            released += release;
            pack.Captured += capture;
            pack.Remaining += release;
            if (release > 0 && claim.TakenAt < pack.ExpiresAt && pack.ExpiresAt <= now && (pack.GraceUntil is null || pack.GraceUntil < now + Grace))
                pack.GraceUntil = now + Grace;
        }

        if (claim.FreePictures > 0)
            claim.FreePictures = outcome == "succeeded" && used == 0 ? claim.Price : used;
        ExpireDue(now);
        return $"settled {captured} {released}";
    }

    internal int FreeLeft(DateTimeOffset now) =>
        Math.Max(0, freeLimit - _claims.Values.Where(claim => claim.TakenAt > now - freeWindow).Sum(claim => claim.FreePictures));

    internal int Held(Pack pack) => _claims.Values.Where(claim => !claim.Settled).Sum(claim => claim.Parts.GetValueOrDefault(pack));

    internal void ExpireDue(DateTimeOffset now)
    {
        foreach (var pack in _packs.Where(pack => pack.UsableUntil <= now))
        {
            pack.Expired += pack.Remaining;
            pack.Remaining = 0;
        }
    }

    private static string Taken(Claim claim) => claim.Parts.Count == 0 ? "taken free" : $"taken {claim.Price}";

    private IEnumerable<Pack> BurnOrder(Guid account) =>
        _packs.Where(pack => pack.Account == account).OrderBy(pack => pack.UsableUntil).ThenBy(pack => pack.GrantedAt);

    internal sealed class Pack
    {
        public required Guid Account { get; init; }

        public required Guid Order { get; init; }

        public required DateTimeOffset GrantedAt { get; init; }

        public required DateTimeOffset ExpiresAt { get; init; }

        public DateTimeOffset? GraceUntil { get; set; }

        public required int Remaining { get; set; }

        public int Captured { get; set; }

        public int Expired { get; set; }

        public DateTimeOffset UsableUntil => GraceUntil > ExpiresAt ? GraceUntil.Value : ExpiresAt;
    }

    private sealed class Claim
    {
        public required Guid Account { get; init; }

        public int Price { get; init; }

        public bool Draft { get; init; }

        public DateTimeOffset TakenAt { get; init; }

        public Dictionary<Pack, int> Parts { get; } = [];

        public int FreePictures { get; set; }

        public bool Settled { get; set; }

        public int Used { get; set; }

        public string? Outcome { get; set; }
    }
}
