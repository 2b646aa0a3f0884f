using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace HomeStage.Hosting.Health;

/// <summary>How long a stopping service still serves as if nothing were, so that whoever sends it requests can see that it is not ready.</summary>
internal sealed record DrainDelay(TimeSpan Length);

/// <summary>
/// How a service ends. SIGTERM: it says at once that it is not ready and asks clients to close their connections, serves on for the drain
/// delay, and only then stops taking connections and finishes what is in flight. SIGINT and SIGQUIT, and a second signal of any kind: the same
/// without the delay, because somebody stops everything or is waiting.
/// </summary>
internal sealed class GracefulStop(IHostApplicationLifetime lifetime, DrainDelay delay) : IHostLifetime, IDisposable
{
    private readonly CancellationTokenSource _hurry = new();
    private readonly List<PosixSignalRegistration> _signals = [];
    private volatile bool _announced;

    /// <summary>Whether the replica is on its way out and wants no more requests.</summary>
    public bool IsAnnounced => _announced || lifetime.ApplicationStopping.IsCancellationRequested;

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        _signals.AddRange(((PosixSignal[])[PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT]).Select(signal => PosixSignalRegistration.Create(signal, Stop)));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _signals.ForEach(signal => signal.Dispose());
        _hurry.Dispose();
    }

    /// <summary>A signal came.</summary>
    internal void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        if (_announced || context.Signal != PosixSignal.SIGTERM)
            _hurry.Cancel();
        if (_announced)
            return;
        _announced = true;
        _ = StopAfterDelayAsync();
    }

    private async Task StopAfterDelayAsync()
    {
        await Task.Delay(delay.Length, _hurry.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lifetime.StopApplication();
    }
}

internal static class GracefulStopExtensions
{
    /// <summary>Takes a stopping service's clients off their connections, which a balancer that only leaves it out of new ones would not do.</summary>
    internal static void UseGracefulStop(this WebApplication app, GracefulStop stop) => app.Use((context, next) =>
    {
        if (stop.IsAnnounced && HttpProtocol.IsHttp11(context.Request.Protocol))
            context.Response.Headers.Connection = "close";
        return next(context);
    });
}
