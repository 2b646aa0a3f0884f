using System.Collections.Concurrent;

namespace HomeStage.Gateway.Sessions;

/// <summary>
/// The sessions and API keys that ended before their time, in memory: asking costs a request nothing, and goes on while entitlements is away.
/// </summary>
internal sealed class Revocations
{
    private readonly ConcurrentDictionary<Guid, byte> _subjects = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, List<Watch>> _watches = [];
    private volatile bool _loaded;

    /// <summary>Whether they were read once; until then nobody can be identified.</summary>
    internal bool Loaded => _loaded;

    internal bool Contains(Guid subject) => _subjects.ContainsKey(subject);

    /// <summary>All that had been revoked was read.</summary>
    internal void HaveLoaded() => _loaded = true;

    /// <summary>Adds what was revoked, and ends what runs for it.</summary>
    internal void Add(IEnumerable<Guid> subjects)
    {
        foreach (var subject in subjects)
        {
            if (!_subjects.TryAdd(subject, 0))
                continue;
            Watch[] running;
            lock (_gate)
                running = _watches.TryGetValue(subject, out var list) ? [.. list] : [];
            foreach (var watch in running)
                watch.End();
        }
    }

    /// <summary>Has something ended once the subject is revoked, at once if it is. To be disposed when it has ended by itself.</summary>
    internal IDisposable Watching(Guid subject, Action end)
    {
        var watch = new Watch(this, subject, end);
        lock (_gate)
        {
            if (!_watches.TryGetValue(subject, out var list))
                _watches[subject] = list = [];
            list.Add(watch);
        }

        // After it was listed: what is revoked in between is seen here or there.
        if (Contains(subject))
            end();
        return watch;
    }

    private void Remove(Watch watch)
    {
        lock (_gate)
        {
            if (_watches.TryGetValue(watch.Subject, out var list) && list.Remove(watch) && list.Count == 0)
                _watches.Remove(watch.Subject);
        }
    }

    private sealed class Watch(Revocations revocations, Guid subject, Action end) : IDisposable
    {
        internal Guid Subject => subject;

        internal void End()
        {
            try
            {
                end();
            }
            catch (ObjectDisposedException)
            {
                // It ended by itself in this moment.
            }
        }

        public void Dispose() => revocations.Remove(this);
    }
}
