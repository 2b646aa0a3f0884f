namespace HomeStage.Entitlements.Tests.Credits;

/// <summary>
/// The ledger's rules, said again in the plainest way: what the database functions are compared with. One household for all accounts.
/// </summary>
internal sealed class LedgerModel(int freeLimit, TimeSpan freeWindow)
{
    private static readonly TimeSpan Grace = TimeSpan.FromHours(24);

    private readonly List<Pack> _packs = [];
    private readonly Dictionary<Guid, Claim> _claims = [];
    private readonly Dictionary<Guid, Step.Adjust> _said = [];
    private readonly Dictionary<Guid, Guid> _mergedInto = [];
    private readonly HashSet<Guid> _frozen = [];
    private DateTimeOffset? _blockedUntil;

    internal IEnumerable<Pack> Packs => _packs;

    internal string Grant(Guid account, Guid order, int credits, DateTimeOffset expiresAt, DateTimeOffset now)
    {
        ExpireDue(now);
        if (_packs.Exists(one => one.Order == order))
            return "granted 0";
        var pack = new Pack { Account = Owner(account), Order = order, Credits = credits, Remaining = credits, GrantedAt = now, ExpiresAt = expiresAt };
        _packs.Add(pack);
        FollowAdjustment(pack, now);
        if (_frozen.Contains(pack.Account))
            SetFrozen(pack, "support", frozen: true, now);
        ExpireDue(now);
        return $"granted {credits}";
    }

    /// <summary>What support gives, which no order pays for.</summary>
    internal void Give(Guid account, Guid grant, int credits, DateTimeOffset expiresAt, DateTimeOffset now)
    {
        ExpireDue(now);
        var pack = new Pack { Account = Owner(account), Order = grant, Credits = credits, Remaining = credits, GrantedAt = now, ExpiresAt = expiresAt };
        _packs.Add(pack);
        if (_frozen.Contains(pack.Account))
            SetFrozen(pack, "support", frozen: true, now);
    }

    internal string Hold(Guid account, Guid job, int credits, bool draft, bool session, DateTimeOffset now)
    {
        var owner = Owner(account);
        if (_claims.TryGetValue(job, out var before))
            return before.Settled ? "settled" : (Owner(before.Account), before.Price, before.Draft) == (owner, credits, draft) ? Taken(before) : "different";
        ExpireDue(now);
        if (_frozen.Contains(owner))
            return "account_frozen";
        var available = Available(owner);
        var claim = new Claim { Account = account, Price = credits, Draft = draft, TakenAt = now };
        if (available >= credits)
        {
            var missing = credits;
            foreach (var pack in Usable(owner))
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
            return Unpaid(owner, credits, draft, session, now);
        }

        _claims[job] = claim;
        return Taken(claim);
    }

    /// <summary>
    /// One after the other; if all are wanted and one is refused, as if nothing had been asked. What there is not enough for is then the
    /// whole list.
    /// </summary>
    internal string HoldList(Guid account, IReadOnlyList<Guid> jobs, int credits, bool draft, bool session, bool all, DateTimeOffset now)
    {
        var results = new List<string>();
        var fresh = new List<Guid>();
        foreach (var job in jobs)
        {
            var known = _claims.ContainsKey(job);
            results.Add(Hold(account, job, credits, draft, session, now));
            if (!known && _claims.ContainsKey(job))
                fresh.Add(job);
            if (!all || results[^1].StartsWith("taken", StringComparison.Ordinal))
                continue;
            foreach (var undone in fresh)
            {
                foreach (var (pack, part) in _claims[undone].Parts)
                    pack.Remaining += part;
                _claims.Remove(undone);
            }

            return results[^1].Contains(" free left, ", StringComparison.Ordinal) ? Unpaid(Owner(account), credits * jobs.Count, draft, session, now) : results[^1];
        }

        return string.Join(", ", results);
    }

    internal string Settle(Guid account, Guid job, int used, string outcome, DateTimeOffset now)
    {
        if (!_claims.TryGetValue(job, out var claim))
        {
            _claims[job] = new Claim { Account = account, Settled = true, Used = used, Outcome = outcome };
            return "before_hold 0 0";
        }

        if (Owner(claim.Account) != Owner(account))
            return "refused";
        if (claim.Settled)
            return (claim.Used, claim.Outcome) == (used, outcome) ? "repeated 0 0" : "contradicted 0 0";
        if (used > claim.Price)
            return "refused";
        ExpireDue(now);
        (claim.Settled, claim.Used, claim.Outcome) = (true, used, outcome);
        var (captured, released) = (0, 0);
        foreach (var pack in BurnOrder(Owner(account)).Where(claim.Parts.ContainsKey).ToList())
        {
            var capture = Math.Min(claim.Parts[pack], used - captured);
            var release = claim.Parts[pack] - capture;
            captured += capture;
            released += release;
            pack.Captured += capture;
            pack.Remaining += release;
            if (release == 0)
                continue;
            if (claim.TakenAt < pack.ExpiresAt)
                GiveGrace(pack, now);
            Refund(pack, now);
        }

        if (claim.FreePictures > 0)
            claim.FreePictures = outcome == "succeeded" && used == 0 ? claim.Price : used;
        ExpireDue(now);
        return $"settled {captured} {released}";
    }

    internal string Adjust(Guid order, Step.Adjust said, DateTimeOffset now)
    {
        ExpireDue(now);
        if (_said.TryGetValue(order, out var before) && before.Revision >= said.Revision)
            return "stale 0 0";
        _said[order] = said;
        if (_packs.Find(one => one.Order == order) is not { } pack)
            return "kept 0 0";
        var change = FollowAdjustment(pack, now);
        ExpireDue(now);
        return $"applied {Math.Max(-change, 0)} {Math.Max(change, 0)}";
    }

    internal string Extend(Guid order, int days, DateTimeOffset now)
    {
        ExpireDue(now);
        if (_packs.Find(one => one.Order == order) is not { } pack)
            return "unknown";
        Extend(pack, days, now);
        return "extended";
    }

    /// <summary>What is not over.</summary>
    internal string ExtendAll(Guid account, int days, DateTimeOffset now)
    {
        ExpireDue(now);
        var packs = _packs.Where(pack => pack.Account == Owner(account) && pack.UsableUntil > (pack.FrozenAt ?? now)).ToList();
        packs.ForEach(pack => Extend(pack, days, now));
        return $"extended {packs.Count}";
    }

    internal void Block(DateTimeOffset? until) => _blockedUntil = until;

    internal string Move(Guid order, string kind, int? credits, DateTimeOffset now)
    {
        ExpireDue(now);
        if (_packs.Find(one => one.Order == order) is not { } pack)
            return "unknown";
        var possible = kind == "restore" ? pack.RevokedBySupport : pack.Remaining;
        var change = kind == "revoke" ? -(credits ?? possible) : credits ?? possible;
        if (change == 0 || (Math.Abs(change) > possible && !(kind == "adjust" && change > 0)))
            return "too_many";
        pack.Remaining += change;
        if (kind == "adjust")
            pack.Adjusted += change;
        else
            pack.RevokedBySupport -= change;
        if (change > 0)
            GiveGrace(pack, now);
        Refund(pack, now);
        return $"done {Math.Abs(change)}";
    }

    internal void Freeze(Guid account, bool frozen, DateTimeOffset now)
    {
        ExpireDue(now);
        var owner = Owner(account);
        if (frozen ? !_frozen.Add(owner) : !_frozen.Remove(owner))
            return;
        foreach (var pack in _packs.Where(pack => pack.Account == owner))
            SetFrozen(pack, "support", frozen, now);
        ExpireDue(now);
    }

    internal string Merge(Guid from, Guid into, DateTimeOffset now)
    {
        var owner = Owner(into);
        if (from == into || from == owner)
            return "same";
        if (_mergedInto.TryGetValue(from, out var elsewhere))
            return elsewhere == owner ? "repeated" : "elsewhere";
        ExpireDue(now);
        foreach (var pack in _packs.Where(pack => pack.Account == from))
            pack.Account = owner;
        foreach (var alias in _mergedInto.Where(pair => pair.Value == from).Select(pair => pair.Key).ToList())
            _mergedInto[alias] = owner;
        _mergedInto[from] = owner;
        if (_frozen.Remove(from) | _frozen.Contains(owner))
        {
            _frozen.Add(owner);
            foreach (var pack in _packs.Where(pack => pack.Account == owner))
                SetFrozen(pack, "support", frozen: true, now);
        }

        return "merged";
    }

    internal int FreeLeft(DateTimeOffset now) =>
        IsBlocked(now) ? 0 : Math.Max(0, freeLimit - _claims.Values.Where(claim => claim.TakenAt > now - freeWindow).Sum(claim => claim.FreePictures));

    internal int Held(Pack pack) => _claims.Values.Where(claim => !claim.Settled).Sum(claim => claim.Parts.GetValueOrDefault(pack));

    internal void ExpireDue(DateTimeOffset now)
    {
        foreach (var pack in _packs.Where(pack => pack.FrozenAt is null && pack.UsableUntil <= now))
        {
            pack.Expired += pack.Remaining;
            pack.Remaining = 0;
        }
    }

    private string Unpaid(Guid owner, int pictures, bool draft, bool session, DateTimeOffset now)
    {
        var (available, freeLeft) = (Available(owner), session ? FreeLeft(now) : 0);
        var why = available > 0 || !session || !draft || freeLeft > 0 ? "insufficient" : IsBlocked(now) ? "free_blocked" : "free_exhausted";
        return $"{why}: {available} available, {freeLeft} free left, free if draft {available == 0 && pictures <= freeLeft}";
    }

    private int Available(Guid owner) => Usable(owner).Sum(pack => pack.Remaining);

    private IEnumerable<Pack> Usable(Guid owner) => BurnOrder(owner).Where(pack => pack.Remaining > 0 && pack.FrozenAt is null);

    private bool IsBlocked(DateTimeOffset now) => _blockedUntil > now;

    private static string Taken(Claim claim) => claim.Parts.Count == 0 ? "taken free" : $"taken {claim.Price}";

    private static void GiveGrace(Pack pack, DateTimeOffset now)
    {
        var clock = pack.FrozenAt ?? now;
        if (pack.ExpiresAt <= clock && !(pack.GraceUntil >= clock + Grace))
            pack.GraceUntil = clock + Grace;
    }

    private static void SetFrozen(Pack pack, string reason, bool frozen, DateTimeOffset now)
    {
        if (frozen)
        {
            pack.Reasons.Add(reason);
            pack.FrozenAt ??= now;
        }
        else if (pack.Reasons.Remove(reason) && pack.Reasons.Count == 0)
        {
            var stood = now - pack.FrozenAt!.Value;
            if (pack.ExpiresAt > pack.FrozenAt)
                pack.ExpiresAt += stood;
            if (pack.GraceUntil > pack.FrozenAt)
                pack.GraceUntil += stood;
            pack.FrozenAt = null;
        }
    }

    private void Extend(Pack pack, int days, DateTimeOffset now)
    {
        var clock = pack.FrozenAt ?? now;
        pack.ExpiresAt = (pack.ExpiresAt > clock ? pack.ExpiresAt : clock) + TimeSpan.FromDays(days);
        pack.Remaining += pack.Expired;
        pack.Expired = 0;
        Refund(pack, now);
    }

    private int FollowAdjustment(Pack pack, DateTimeOffset now)
    {
        var change = Refund(pack, now);
        if (_said.TryGetValue(pack.Order, out var said))
            SetFrozen(pack, "dispute", said.Dispute, now);
        return change;
    }

    private int Refund(Pack pack, DateTimeOffset now)
    {
        if (!_said.TryGetValue(pack.Order, out var said))
            return 0;
        var target = said.Paid == 0 ? 0 : (int)Math.Ceiling((decimal)pack.Credits * said.Returned / said.Paid);
        var there = pack.Credits + pack.Adjusted - pack.Captured - Held(pack) - pack.Expired - pack.RevokedBySupport;
        var change = pack.RevokedByPayment - Math.Min(target, there);
        pack.RevokedByPayment -= change;
        pack.Remaining += change;
        if (change > 0)
            GiveGrace(pack, now);
        return change;
    }

    private Guid Owner(Guid account) => _mergedInto.GetValueOrDefault(account, account);

    private IEnumerable<Pack> BurnOrder(Guid owner) =>
        _packs.Where(pack => pack.Account == owner).OrderBy(pack => pack.UsableUntil).ThenBy(pack => pack.GrantedAt);

    internal sealed class Pack
    {
        public required Guid Account { get; set; }

        /// <summary>The order that paid for it, or the grant itself.</summary>
        public required Guid Order { get; init; }

        public required int Credits { get; init; }

        public required DateTimeOffset GrantedAt { get; init; }

        public required DateTimeOffset ExpiresAt { get; set; }

        public DateTimeOffset? GraceUntil { get; set; }

        public DateTimeOffset? FrozenAt { get; set; }

        public SortedSet<string> Reasons { get; } = new(StringComparer.Ordinal);

        public required int Remaining { get; set; }

        public int Adjusted { get; set; }

        public int Captured { get; set; }

        public int Expired { get; set; }

        public int RevokedByPayment { get; set; }

        public int RevokedBySupport { get; set; }

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
