namespace HomeStage.Gateway.Limits;

/// <summary>What came of asking: how many units were given, the state that follows, and how long to wait if none was.</summary>
/// <param name="Granted">Units given; 0 is a refusal.</param>
/// <param name="Tat">The theoretical arrival time that follows, µs.</param>
/// <param name="Wait">µs until the least that was wanted is there; 0 unless refused.</param>
[System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
internal readonly record struct GcraAnswer(long Granted, long Tat, long Wait);

/// <summary>
/// The generic cell rate algorithm. A key's whole state is its theoretical arrival time (TAT): when it will be as if nothing had ever
/// been taken. Each unit moves it on by one interval; it may lie at most burst × interval ahead of now. All times are µs.
/// <see cref="LimitStore"/> has the same arithmetic in Lua; a test compares the two.
/// </summary>
internal static class Gcra
{
    /// <summary>Takes up to <paramref name="want"/> units, at least <paramref name="least"/> or none.</summary>
    internal static GcraAnswer Take(long tat, long now, long interval, long burst, long want, long least = 1)
    {
        var from = Math.Max(tat, now);
        var available = Available(from, now, interval, burst);
        if (available < least)
            return new(0, tat, from + (least * interval) - (burst * interval) - now);
        var granted = Math.Min(want, available);
        return new(granted, from + (granted * interval), 0);
    }

    /// <summary>
    /// Returns units of a lease. <paramref name="until"/> is the TAT right after they were taken: before that time the state cannot have
    /// been forgotten in between, so the return is exact; afterwards the units have come back by themselves.
    /// </summary>
    internal static long GiveBack(long tat, long now, long interval, long units, long until) => now < until ? tat - (units * interval) : tat;

    /// <summary>Units that could be taken now.</summary>
    internal static long Available(long tat, long now, long interval, long burst) => (now + (burst * interval) - Math.Max(tat, now)) / interval;
}
