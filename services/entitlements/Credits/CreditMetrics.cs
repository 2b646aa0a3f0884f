using System.Diagnostics.Metrics;

namespace HomeStage.Entitlements.Credits;

/// <summary>What happened to credits, counted after the fact; the ledger is the truth.</summary>
internal sealed class CreditMetrics
{
    private readonly Counter<long> _granted;
    private readonly Counter<long> _held;
    private readonly Counter<long> _captured;
    private readonly Counter<long> _released;
    private readonly Counter<long> _expired;
    private readonly Counter<long> _revoked;
    private readonly Counter<long> _restored;
    private readonly Counter<long> _holds;
    private readonly Counter<long> _settlements;

    public CreditMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("HomeStage.Entitlements");
        _granted = meter.CreateCounter<long>("homestage.credits.granted", "{credit}", "Credits granted for payments.");
        _held = meter.CreateCounter<long>("homestage.credits.held", "{credit}", "Credits held for jobs.");
        _captured = meter.CreateCounter<long>("homestage.credits.captured", "{credit}", "Credits used by jobs.");
        _released = meter.CreateCounter<long>("homestage.credits.released", "{credit}", "Held credits given back.");
        _expired = meter.CreateCounter<long>("homestage.credits.expired", "{credit}", "Credits that expired unused.");
        _revoked = meter.CreateCounter<long>("homestage.credits.revoked", "{credit}", "Credits taken back because money was returned.");
        _restored = meter.CreateCounter<long>("homestage.credits.restored", "{credit}", "Credits given back because money was not returned after all.");
        _holds = meter.CreateCounter<long>("homestage.holds", "{hold}", "Answers to requests for a hold, by `result`, and whether it is `free`.");
        _settlements = meter.CreateCounter<long>("homestage.settlements", "{settlement}", "Settlements received, by `result`.");
    }

    internal void HoldAnswered(HoldAnswer answer)
    {
        _holds.Add(1, new("result", answer.Result), new("free", answer.Free ? "true" : "false"));
        if (answer.Created)
            _held.Add(answer.Credits);
        _expired.Add(answer.Expired);
    }

    internal void HoldsAnswered(IReadOnlyList<ListedHoldAnswer> answers)
    {
        foreach (var answer in answers)
        {
            _holds.Add(1, new("result", answer.Result), new("free", answer.Free ? "true" : "false"));
            if (answer.Created && answer.Result == "taken")
                _held.Add(answer.Credits);
        }

        _expired.Add(answers[0].Expired);
    }

    internal void PaymentApplied(PaymentApplied applied)
    {
        _granted.Add(applied.Granted);
        _revoked.Add(applied.Revoked);
        _expired.Add(applied.Expired);
    }

    internal void PaymentAdjusted(AdjustmentAnswer answer)
    {
        _revoked.Add(answer.Revoked);
        _restored.Add(answer.Restored);
        _expired.Add(answer.Expired);
    }

    internal void Settled(SettlementAnswer answer)
    {
        _settlements.Add(1, new KeyValuePair<string, object?>("result", answer.Result));
        _captured.Add(answer.Captured);
        _released.Add(answer.Released);
        _expired.Add(answer.Expired);
    }

    internal void Expired(int credits) => _expired.Add(credits);
}
