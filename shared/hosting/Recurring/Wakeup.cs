namespace HomeStage.Hosting.Recurring;

/// <summary>Calls whoever waits; any number of calls before it looks are one look.</summary>
public sealed class Wakeup : IDisposable
{
    private readonly SemaphoreSlim _calls = new(0, 1);

    /// <summary>Makes the one who waits look now, or at once when it next waits. After the end nobody hears it.</summary>
    public void Call()
    {
        try
        {
            // Not left to the exception alone, which would cost more than a message.
            if (_calls.CurrentCount == 0)
                _calls.Release();
        }
        catch (Exception error) when (error is SemaphoreFullException or ObjectDisposedException)
        {
            // Somebody else called in this moment, or nobody waits any more.
        }
    }

    /// <summary>Waits for a call, or for so long.</summary>
    public Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => _calls.WaitAsync(atMost, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _calls.Dispose();
}
