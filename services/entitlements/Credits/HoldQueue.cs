using System.Diagnostics;
using System.Diagnostics.Metrics;
using HomeStage.Contracts;

namespace HomeStage.Entitlements.Credits;

/// <summary>
/// Holds of one account that are asked for while another is being committed wait for it, and are then taken together in one
/// transaction. The account's lock would let only one commit at a time anyway, and a commit waits for the disk: so a busy account
/// gets through as many as wait, not one. An account that is not busy waits for nothing.
/// </summary>
internal sealed class HoldQueue
{
    /// <summary>So that nobody waits long for the others' work.</summary>
    private const int MostTogether = 50;

    private readonly Ledger _ledger;
    private readonly Dictionary<Payer, Queue<Waiting>> _busy = [];
    private int _waiting;

    public HoldQueue(Ledger ledger, IMeterFactory meters)
    {
        _ledger = ledger;
        meters.Create("HomeStage.Entitlements").CreateObservableGauge(
            "homestage.holds.waiting", () => WaitingCount, "{hold}", "Holds that wait for another one of their account.");
    }

    /// <summary>How many wait for another hold of their account, and are not being taken yet.</summary>
    internal int WaitingCount => Volatile.Read(ref _waiting);

    /// <summary>As <see cref="Ledger.TakeHoldAsync"/>.</summary>
    /// <param name="job">The job.</param>
    /// <param name="request">What it costs.</param>
    /// <param name="cancellationToken">Stops waiting; the hold may be taken none the less.</param>
    internal async Task<HoldAnswer> TakeAsync(Guid job, HoldRequest request, CancellationToken cancellationToken)
    {
        var payer = new Payer(request.AccountId, request.AddressHash);
        var waiting = new Waiting(job, request);
        lock (_busy)
        {
            if (_busy.TryGetValue(payer, out var queue))
            {
                queue.Enqueue(waiting);
                _waiting++;
            }
            else
            {
                _busy.Add(payer, []);
                _ = RunAsync(payer, [waiting]);
            }
        }

        return await waiting.Answer.Task.WaitAsync(cancellationToken);
    }

    private async Task RunAsync(Payer payer, List<Waiting> together)
    {
        await Task.Yield();
        while (together.Count > 0)
        {
            // What is written belongs to the trace of a request that asked for it.
            Activity.Current = together[0].Activity;
            try
            {
                var answers = await TakeTogetherAsync(payer, together);
                for (var index = 0; index < together.Count; index++)
                    together[index].Answer.SetResult(answers[index]);
            }
            catch (Exception error)
            {
                foreach (var waiting in together)
                    waiting.Answer.TrySetException(error);
            }

            lock (_busy)
            {
                together = Next(_busy[payer]);
                _waiting -= together.Count;
                if (together.Count == 0)
                    _busy.Remove(payer);
            }
        }
    }

    /// <summary>Those who wait; each job once, because a list names each once.</summary>
    private static List<Waiting> Next(Queue<Waiting> queue)
    {
        var jobs = new HashSet<Guid>();
        var next = new List<Waiting>();
        while (next.Count < MostTogether && queue.TryPeek(out var waiting) && jobs.Add(waiting.Job))
            next.Add(queue.Dequeue());
        return next;
    }

    // What the callers wait for is the database's own time limit, not each other's patience.
    private async Task<IReadOnlyList<HoldAnswer>> TakeTogetherAsync(Payer payer, List<Waiting> together)
    {
        if (together is [var only])
            return [await _ledger.TakeHoldAsync(only.Job, only.Request, CancellationToken.None)];
        var answers = await _ledger.TakeHoldsAsync(
            new HoldListRequest
            {
                AccountId = payer.AccountId,
                AddressHash = payer.AddressHash,
                AllOrNone = false,
                Holds = [.. together.Select(waiting => new ListedHold
                {
                    JobId = waiting.Job,
                    Credits = waiting.Request.Credits,
                    Variations = waiting.Request.Variations,
                    Quality = waiting.Request.Quality,
                })],
            },
            CancellationToken.None);
        return [.. answers.Select(answer => answer.Alone)];
    }

    private sealed record Payer(Guid AccountId, string? AddressHash);

    private sealed record Waiting(Guid Job, HoldRequest Request)
    {
        public Activity? Activity { get; } = Activity.Current;

        public TaskCompletionSource<HoldAnswer> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
