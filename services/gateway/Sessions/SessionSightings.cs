using System.Threading.Channels;

namespace HomeStage.Gateway.Sessions;

/// <summary>
/// Tells entitlements about once an hour that a member's session is in use, beside the requests: what a person sees in the list of devices.
/// </summary>
internal sealed class SessionSightings(RegisteredSessions registered, IServiceProvider services) : BackgroundService
{
    private readonly Channel<Sighting> _seen = Channel.CreateBounded<Sighting>(
        new BoundedChannelOptions(1_000) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>Notes a use; at once and for nothing if it was noted within the hour.</summary>
    internal void Note(Session session, HttpRequest request)
    {
        if (!registered.Contains(session.Id))
            _seen.Writer.TryWrite(new(session, request.Headers.UserAgent.ToString()));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var (session, userAgent) in _seen.Reader.ReadAllAsync(stoppingToken))
                await services.GetRequiredService<SessionRegistry>().EnsureAsync(session, userAgent, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopping.
        }
    }

    private sealed record Sighting(Session Session, string UserAgent);
}
