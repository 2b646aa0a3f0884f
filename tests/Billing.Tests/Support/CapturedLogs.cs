using System.Collections.Concurrent;
using HomeStage.Testing;
using Microsoft.Extensions.Logging;

namespace HomeStage.Billing.Tests.Support;

/// <summary>Keeps what a service logs.</summary>
internal sealed class CapturedLogs : ILoggerProvider
{
    public ConcurrentQueue<(string? Event, LogLevel Level, string Message)> Lines { get; } = [];

    /// <summary>Waits for a line: what is told of a transaction comes after its commit can be seen.</summary>
    public Task UntilAsync(Func<(string? Event, LogLevel Level, string Message), bool> line) =>
        Eventually.Async(() => Lines.Any(line), "the line was logged");

    public ILogger CreateLogger(string categoryName) => new Writer(this);

    public void Dispose() => Lines.Clear();

    private sealed class Writer(CapturedLogs logs) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            logs.Lines.Enqueue((eventId.Name, logLevel, formatter(state, exception)));
    }
}
