using System.Buffers;
using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace HomeStage.Hosting.Telemetry;

/// <summary>
/// One line of JSON an event: <c>timestamp, level, service, event, category, message</c>, the event's own fields, the trace id,
/// and an exception's type and stack. Exception messages of drivers can quote data, so they are kept out in Production.
/// </summary>
internal sealed class JsonLogFormatter(ServiceName service, TimeProvider time) : ConsoleFormatter(FormatterName)
{
    internal const string FormatterName = "homestage";

    // Quotes and non-ASCII stay readable; control characters and line breaks are escaped all the same.
    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public override void Write<TState>(in LogEntry<TState> entry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Writing))
        {
            json.WriteStartObject();
            json.WriteString("timestamp", time.GetUtcNow());
            json.WriteString("level", LevelOf(entry.LogLevel));
            json.WriteString("service", service.Name);
            if (entry.EventId.Name is { } name)
                json.WriteString("event", name);
            json.WriteString("category", entry.Category);
            json.WriteString("message", entry.Formatter(entry.State, null));
            if (entry.State is IEnumerable<KeyValuePair<string, object?>> fields)
            {
                foreach (var field in fields)
                {
                    if (field.Key is not "{OriginalFormat}" && !string.Equals(field.Key, "message", StringComparison.OrdinalIgnoreCase))
                        WriteField(json, JsonNamingPolicy.CamelCase.ConvertName(field.Key), field.Value);
                }
            }

            if (Activity.Current is { } activity)
            {
                json.WriteString("traceId", activity.TraceId.ToHexString());
                json.WriteString("spanId", activity.SpanId.ToHexString());
            }

            if (entry.Exception is { } exception)
                WriteException(json, exception);
            json.WriteEndObject();
        }

        textWriter.WriteLine(System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    private void WriteException(Utf8JsonWriter json, Exception exception)
    {
        json.WriteStartArray("exception");
        for (var current = exception; current is not null; current = current.InnerException)
        {
            json.WriteStartObject();
            json.WriteString("type", current.GetType().FullName);
            if (!service.Production)
                json.WriteString("message", current.Message);
            json.WriteString("stack", current.StackTrace);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteField(Utf8JsonWriter json, string name, object? value)
    {
        switch (value)
        {
            case null: json.WriteNull(name); break;
            case bool flag: json.WriteBoolean(name, flag); break;
            case int number: json.WriteNumber(name, number); break;
            case long number: json.WriteNumber(name, number); break;
            case double number when double.IsFinite(number): json.WriteNumber(name, number); break;
            default: json.WriteString(name, value.ToString()); break;
        }
    }

    private static string LevelOf(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "error",
        _ => "critical",
    };
}

/// <summary>Who writes the log.</summary>
internal sealed record ServiceName(string Name, bool Production);
