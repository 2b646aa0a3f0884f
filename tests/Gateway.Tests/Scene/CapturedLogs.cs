using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace HomeStage.Gateway.Tests.Scene;

/// <summary>What the gateway logged.</summary>
public sealed class CapturedLogs : ILoggerProvider
{
    public ConcurrentQueue<CapturedLog> Entries { get; } = [];

    public ILogger CreateLogger(string categoryName) => new Logger(Entries);

    public void Dispose()
    {
    }

    private sealed class Logger(ConcurrentQueue<CapturedLog> entries) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            entries.Enqueue(new CapturedLog(
                eventId.Name ?? "",
                logLevel,
                formatter(state, exception),
                state is IEnumerable<KeyValuePair<string, object?>> fields ? fields.ToDictionary(field => field.Key, field => field.Value?.ToString()) : []));
    }
}

/// <summary>One log entry.</summary>
public sealed record CapturedLog(string Event, LogLevel Level, string Message, Dictionary<string, string?> Fields);
