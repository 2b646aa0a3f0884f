using Microsoft.Extensions.Options;

namespace HomeStage.Worker.Rendering;

/// <summary>
/// How the process ends: from SIGTERM on nothing new is begun; what is in flight may finish within <c>DRAIN_SECONDS</c> and is then let go
/// of without a word, so that its lease brings it back.
/// </summary>
internal sealed class Draining : IDisposable
{
    // Left for closing connections before the host cuts everything.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _letGo = new();
    private readonly CancellationTokenRegistration _registration;
    private ITimer? _timer;

    public Draining(IHostApplicationLifetime lifetime, IOptions<HostOptions> host, TimeProvider time)
    {
        Stopping = lifetime.ApplicationStopping;
        var grace = host.Value.ShutdownTimeout - Margin;
        _registration = Stopping.Register(() => _timer = time.CreateTimer(
            _ => _letGo.Cancel(), null, grace > TimeSpan.Zero ? grace : TimeSpan.Zero, Timeout.InfiniteTimeSpan));
    }

    /// <summary>Nothing new is begun from here on.</summary>
    public CancellationToken Stopping { get; }

    /// <summary>What is still in flight is let go of.</summary>
    public CancellationToken LetGo => _letGo.Token;

    public void Dispose()
    {
        _registration.Dispose();
        _timer?.Dispose();
        _letGo.Dispose();
    }
}
