using System.IO.Enumeration;

namespace HomeStage.Simulators.Faults;

/// <summary>The faults that wait, in the order in which they were queued.</summary>
internal sealed class FaultQueue
{
    private readonly Lock _gate = new();
    private readonly List<Waiting> _waiting = [];

    public void Add(IEnumerable<Fault> faults)
    {
        lock (_gate)
        {
            foreach (var fault in faults)
                _waiting.Add(new Waiting(fault) { Skip = fault.Skip, Left = fault.Count });
        }
    }

    public IReadOnlyList<Fault> List()
    {
        lock (_gate)
            return [.. _waiting.Select(entry => entry.Fault with { Skip = entry.Skip, Count = entry.Left })];
    }

    public void Clear()
    {
        lock (_gate)
            _waiting.Clear();
    }

    /// <summary>The first waiting fault of the wanted kind that matches one of the names, used up by one; null if none strikes.</summary>
    public Fault? Take(Func<Fault, bool> wanted, params ReadOnlySpan<string> names)
    {
        lock (_gate)
        {
            foreach (var entry in _waiting)
            {
                if (!wanted(entry.Fault) || !Matches(entry.Fault.Match, names))
                    continue;
                if (entry.Skip > 0)
                {
                    entry.Skip--;
                    continue;
                }
                if (--entry.Left == 0)
                    _waiting.Remove(entry);
                return entry.Fault;
            }
            return null;
        }
    }

    private static bool Matches(string pattern, ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false))
                return true;
        }
        return false;
    }

    private sealed class Waiting(Fault fault)
    {
        public Fault Fault { get; } = fault;

        public int Skip { get; set; }

        public int Left { get; set; }
    }
}
