using HomeStage.Contracts;

namespace HomeStage.Worker.Rendering;

/// <summary>How a lease stands.</summary>
internal enum LeaseState
{
    /// <summary>It is held.</summary>
    Held,

    /// <summary>staging-api said stop: the job was canceled, or another attempt superseded this one.</summary>
    Stopped,

    /// <summary>It ran out because it could not be renewed.</summary>
    Lost,
}

/// <summary>The right to make an attempt, renewed at a third of its length on a task of its own until disposed.</summary>
internal sealed class Lease : IAsyncDisposable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly JobClaims _claims;
    private readonly Guid _jobId;
    private readonly ClaimRequest _request;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _ended = new();
    private readonly CancellationTokenSource _disposed = new();
    private readonly Task _renewing;

    /// <param name="claims">Where to renew.</param>
    /// <param name="jobId">The job.</param>
    /// <param name="request">The claim that was answered.</param>
    /// <param name="length">How long the answer said that it holds.</param>
    /// <param name="since">Timestamp from before the claim was sent, so that we never think to hold it for longer than staging-api does.</param>
    /// <param name="time">The clock.</param>
    public Lease(JobClaims claims, Guid jobId, ClaimRequest request, TimeSpan length, long since, TimeProvider time)
    {
        (_claims, _jobId, _request, _time) = (claims, jobId, request, time);
        _renewing = RenewAsync(length, since);
    }

    /// <summary>Canceled when the lease ends, for whatever reason.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>Why it ended.</summary>
    public LeaseState State { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync();
        await _renewing;
        _disposed.Dispose();
        _ended.Dispose();
    }

    private async Task RenewAsync(TimeSpan length, long since)
    {
        try
        {
            var wait = length / 3;
            while (State == LeaseState.Held)
            {
                await Task.Delay(wait, _time, _disposed.Token);
                var asked = _time.GetTimestamp();
                if (await TryRenewAsync() is not { } answer)
                {
                    // Not reachable: again soon, for as long as the lease holds.
                    var left = length - _time.GetElapsedTime(since);
                    wait = left < RetryAfter ? left : RetryAfter;
                    if (left <= TimeSpan.Zero)
                        await EndAsync(LeaseState.Lost);
                }
                else if (answer.Decision == ClaimDecision.Go)
                {
                    since = asked;
                    length = answer.LeaseSeconds > 0 ? TimeSpan.FromSeconds(answer.LeaseSeconds) : length;
                    wait = length / 3;
                }
                else
                {
                    await EndAsync(LeaseState.Stopped);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The attempt is over.
        }
    }

    private async Task<ClaimAnswer?> TryRenewAsync()
    {
        try
        {
            return await _claims.RenewAsync(_jobId, _request, _disposed.Token);
        }
        catch (Exception error) when (error is not OperationCanceledException || !_disposed.IsCancellationRequested)
        {
            return null;
        }
    }

    private Task EndAsync(LeaseState state)
    {
        State = state;
        return _ended.CancelAsync();
    }
}
