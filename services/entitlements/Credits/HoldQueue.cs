using System.Diagnostics.Metrics;
using HomeStage.Contracts;
using HomeStage.Hosting.Batching;

namespace HomeStage.Entitlements.Credits;

/// <summary>
/// Holds of one account that are asked for while another is being committed are taken together: the account's lock would let only one
/// commit at a time anyway.
/// </summary>
internal sealed class HoldQueue
{
    private const int MostTogether = 50;

    private readonly Ledger _ledger;
    private readonly Batches<Payer, Wanted, HoldAnswer> _batches;

    public HoldQueue(Ledger ledger, IMeterFactory meters)
    {
        _ledger = ledger;
        _batches = new(TakeTogetherAsync, MostTogether);
        meters.Create("HomeStage.Entitlements").CreateObservableGauge(
            "homestage.holds.waiting", () => WaitingCount, "{hold}", "Holds that wait for another one of their account.");
    }

    /// <inheritdoc cref="Batches{TKey, TItem, TResult}.WaitingCount"/>
    internal int WaitingCount => _batches.WaitingCount;

    /// <summary>As <see cref="Ledger.TakeHoldAsync"/>.</summary>
    /// <param name="job">The job.</param>
    /// <param name="request">What it costs.</param>
    /// <param name="cancellationToken">Stops waiting; the hold may be taken none the less.</param>
    internal Task<HoldAnswer> TakeAsync(Guid job, HoldRequest request, CancellationToken cancellationToken) =>
        _batches.AddAsync(new(request.AccountId, request.AddressHash, request.ApiKeyId), new(job, request), cancellationToken);

    // What the callers wait for is the database's own time limit, not each other's patience.
    private async Task<IReadOnlyList<HoldAnswer>> TakeTogetherAsync(Payer payer, IReadOnlyList<Wanted> together)
    {
        if (together is [var only])
            return [await _ledger.TakeHoldAsync(only.Job, only.Request, CancellationToken.None)];
        var answers = await _ledger.TakeHoldsAsync(
            new HoldListRequest
            {
                AccountId = payer.AccountId,
                AddressHash = payer.AddressHash,
                ApiKeyId = payer.ApiKeyId,
                AllOrNone = false,
                Holds = [.. together.Select(wanted => new ListedHold
                {
                    JobId = wanted.Job,
                    Credits = wanted.Request.Credits,
                    Variations = wanted.Request.Variations,
                    Quality = wanted.Request.Quality,
                })],
            },
            CancellationToken.None);
        return [.. answers.Select(answer => answer.Alone)];
    }

    private sealed record Payer(Guid AccountId, string? AddressHash, Guid? ApiKeyId);

    private sealed record Wanted(Guid Job, HoldRequest Request);
}
