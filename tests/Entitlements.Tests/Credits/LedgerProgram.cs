using FsCheck;
using FsCheck.Fluent;

namespace HomeStage.Entitlements.Tests.Credits;

/// <summary>
/// A step of a random program. Few accounts, packs and jobs, so that steps meet and repeat. A pack is an order's or, from
/// <see cref="LedgerProgram.Orders"/> on, a gift of support's.
/// </summary>
internal abstract record Step
{
    internal sealed record Grant(int Account, int Order, int Credits, int Hours) : Step;

    internal sealed record Hold(int Account, int Job, int Credits, bool Draft, bool Session) : Step;

    internal sealed record Settle(int Account, int Job, int Used, string Outcome) : Step;

    internal sealed record HoldList(int Account, int FirstJob, int Credits, bool Draft, bool Session, bool All) : Step;

    internal sealed record Adjust(int Order, long Paid, long Returned, bool Dispute, long Revision) : Step;

    internal sealed record Give(int Account, int Pack, int Credits, int Days) : Step;

    internal sealed record Extend(int Pack, int Days) : Step;

    internal sealed record ExtendAll(int Account, int Days) : Step;

    internal sealed record Move(int Pack, string Kind, int? Credits) : Step;

    internal sealed record Freeze(int Account, bool Frozen) : Step;

    internal sealed record Block(int? Hours) : Step;

    internal sealed record Unblock : Step;

    internal sealed record Merge(int From, int Into) : Step;

    internal sealed record Pass(int Hours) : Step;

    internal sealed record Sweep : Step;
}

internal static class LedgerProgram
{
    internal const int Jobs = 10;
    internal const int Orders = 5;
    internal const int Gifts = 3;

    /// <summary>Programs of up to 60 steps; a counterexample shrinks by dropping steps.</summary>
    internal static Arbitrary<Step[]> Programs(int accounts)
    {
        var account = Gen.Choose(0, accounts - 1);
        // An order and a job are one account's, but for a rare mistake of the caller.
        var grant =
            from order in Gen.Choose(0, Orders - 1)
            from credits in Gen.Choose(1, 6)
            from hours in Gen.Choose(-5, 80)
            select (Step)new Step.Grant(order % accounts, order, credits, hours);
        var hold =
            from job in Gen.Choose(0, Jobs - 1)
            from wrong in Gen.Choose(0, 19)
            from other in account
            from credits in Gen.Choose(1, 4)
            from draft in Gen.Elements(true, false)
            from session in Gen.Elements(true, false)
            select (Step)new Step.Hold(wrong == 0 ? other : job % accounts, job, credits, draft, session);
        var settle =
            from job in Gen.Choose(0, Jobs - 1)
            from used in Gen.Choose(0, 4)
            from outcome in Gen.Elements("succeeded", "failed", "canceled")
            select (Step)new Step.Settle(job % accounts, job, used, outcome);
        var list =
            from job in Gen.Choose(0, Jobs - 1)
            from credits in Gen.Choose(1, 3)
            from draft in Gen.Elements(true, false)
            from session in Gen.Elements(true, false)
            from all in Gen.Elements(true, false)
            select (Step)new Step.HoldList(job % accounts, job, credits, draft, session, all);
        var adjust =
            from order in Gen.Choose(0, Orders - 1)
            from paid in Gen.Elements(900L, 900L, 900L, 0L)
            from returned in Gen.Choose(0, 900)
            from dispute in Gen.Elements(true, false, false)
            from revision in Gen.Choose(1, 9)
            select (Step)new Step.Adjust(order, paid, Math.Min(paid, returned), dispute, revision);
        var pack = Gen.Choose(0, Orders + Gifts - 1);
        var give =
            from gift in Gen.Choose(0, Gifts - 1)
            from credits in Gen.Choose(1, 3)
            from days in Gen.Choose(1, 3)
            select (Step)new Step.Give(gift % accounts, Orders + gift, credits, days);
        var extend =
            from one in pack
            from days in Gen.Choose(1, 2)
            select (Step)new Step.Extend(one, days);
        var extendAll =
            from one in account
            from days in Gen.Choose(1, 2)
            select (Step)new Step.ExtendAll(one, days);
        var move =
            from one in pack
            from kind in Gen.Elements("revoke", "restore", "adjust")
            from credits in Gen.Choose(-3, 4)
            select (Step)new Step.Move(one, kind, kind == "adjust" ? credits : credits <= 0 ? null : credits);
        var freeze =
            from one in account
            from frozen in Gen.Elements(true, false, false)
            select (Step)new Step.Freeze(one, frozen);
        var merge =
            from one in account
            from other in account
            select (Step)new Step.Merge(one, other);
        var block = Gen.Choose(0, 30).Select(hours => (Step)new Step.Block(hours == 0 ? null : hours));
        var pass = Gen.Choose(0, 40).Select(hours => (Step)new Step.Pass(hours));
        var step = Gen.Frequency(
            (4, grant), (8, hold), (3, list), (9, settle), (4, adjust), (2, give), (1, extend), (1, extendAll), (3, move), (2, freeze), (1, block),
            (1, Gen.Constant((Step)new Step.Unblock())), (1, merge), (6, pass), (2, Gen.Constant((Step)new Step.Sweep())));
        return Arb.From(
            from length in Gen.Choose(1, 60)
            from steps in step.ArrayOf(length)
            select steps,
            Shorter);
    }

    private static IEnumerable<Step[]> Shorter(Step[] steps)
    {
        for (var part = steps.Length / 2; part >= 1; part /= 2)
        {
            for (var start = 0; start + part <= steps.Length; start += part)
                yield return [.. steps[..start], .. steps[(start + part)..]];
        }
    }
}
