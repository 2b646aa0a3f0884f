using System.Collections.Concurrent;
using System.Net;
using System.Text;
using HomeStage.Tool.Servers;

namespace HomeStage.Testing;

/// <summary>A span as it was exported.</summary>
/// <param name="Service">Who exported it.</param>
/// <param name="Source">The activity source.</param>
/// <param name="TraceId">In hexadecimal.</param>
/// <param name="SpanId">In hexadecimal.</param>
/// <param name="ParentId">In hexadecimal; empty at a root.</param>
/// <param name="Name">What happened.</param>
/// <param name="Attributes">Those with a text.</param>
public sealed record CollectedSpan(
    string Service, string Source, string TraceId, string SpanId, string ParentId, string Name, IReadOnlyDictionary<string, string> Attributes);

/// <summary>
/// Receives OTLP over HTTP with protobuf, as an OpenTelemetry collector does, and keeps the spans and the lines of logs. Give services <see cref="Settings"/>.
/// </summary>
/// <remarks>Field numbers: opentelemetry-proto, <c>trace/v1/trace.proto</c>, <c>logs/v1/logs.proto</c>, <c>common/v1/common.proto</c>, <c>resource/v1/resource.proto</c>.</remarks>
public sealed class OtlpCollector : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<CollectedSpan> _spans = [];
    private readonly ConcurrentQueue<string> _logs = [];

    private OtlpCollector(Uri url)
    {
        Url = url;
        _listener.Prefixes.Add(url.AbsoluteUri);
    }

    /// <summary>Where it listens.</summary>
    public Uri Url { get; }

    /// <summary>What makes a service export to it, soon after each span has ended.</summary>
    public IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = Url.AbsoluteUri.TrimEnd('/'),
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "500",
    };

    /// <summary>Every span so far.</summary>
    public IReadOnlyCollection<CollectedSpan> Spans => _spans;

    /// <summary>Every line of a log so far, with all that belongs to it, as the bytes of its message read as text.</summary>
    public IReadOnlyCollection<string> Logs => _logs;

    /// <summary>Starts one.</summary>
    public static OtlpCollector Start()
    {
        var collector = new OtlpCollector(new Uri($"http://127.0.0.1:{FreePorts.Next()}/"));
        collector._listener.Start();
        _ = collector.ServeAsync();
        return collector;
    }

    /// <summary>Stops listening.</summary>
    public void Dispose() => _listener.Close();

    private async Task ServeAsync()
    {
        try
        {
            while (_listener.IsListening)
            {
                var context = await _listener.GetContextAsync();
                try
                {
                    await ReceiveAsync(context);
                }
                catch (Exception aborted) when (aborted is HttpListenerException or IOException && _listener.IsListening)
                {
                    // The exporter gave up, and sends it again.
                }
            }
        }
        catch (Exception closed) when (closed is HttpListenerException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ReceiveAsync(HttpListenerContext context)
    {
        using var body = new MemoryStream();
        await context.Request.InputStream.CopyToAsync(body);
        if (context.Request.Url!.AbsolutePath == "/v1/traces")
        {
            foreach (var span in Read(body.ToArray()))
                _spans.Enqueue(span);
        }

        else if (context.Request.Url!.AbsolutePath == "/v1/logs")
        {
            foreach (var line in All(body.ToArray(), 1).SelectMany(resource => All(resource, 2)).SelectMany(scope => All(scope, 2)))
                _logs.Enqueue(Encoding.UTF8.GetString(line.Span));
        }

        context.Response.ContentType = "application/x-protobuf";
        context.Response.Close();
    }

    private static IEnumerable<CollectedSpan> Read(ReadOnlyMemory<byte> request) =>
        from resourceSpans in All(request, 1)
        let service = All(resourceSpans, 1).Select(Attributes(1)).FirstOrDefault()?.GetValueOrDefault("service.name") ?? ""
        from scopeSpans in All(resourceSpans, 2)
        let source = All(scopeSpans, 1).Select(scope => TextOf(scope, 1)).FirstOrDefault() ?? ""
        from span in All(scopeSpans, 2)
        select new CollectedSpan(service, source, HexOf(span, 1), HexOf(span, 2), HexOf(span, 4), TextOf(span, 5), Attributes(9)(span));

    private static Func<ReadOnlyMemory<byte>, Dictionary<string, string>> Attributes(int field) => message =>
        All(message, field).ToDictionary(pair => TextOf(pair, 1), pair => All(pair, 2).Select(value => TextOf(value, 1)).FirstOrDefault() ?? "", StringComparer.Ordinal);

    private static string TextOf(ReadOnlyMemory<byte> message, int field) => Encoding.UTF8.GetString(All(message, field).FirstOrDefault().Span);

    private static string HexOf(ReadOnlyMemory<byte> message, int field) => Convert.ToHexStringLower(All(message, field).FirstOrDefault().Span);

    /// <summary>Every value of a field that has a length: texts, bytes, messages.</summary>
    private static List<ReadOnlyMemory<byte>> All(ReadOnlyMemory<byte> message, int field)
    {
        var found = new List<ReadOnlyMemory<byte>>();
        while (!message.IsEmpty)
        {
            var tag = Number(ref message);
            switch (tag & 7)
            {
                case 0:
                    Number(ref message);
                    break;
                case 1:
                    message = message[8..];
                    break;
                case 2:
                    var length = (int)Number(ref message);
                    if ((int)(tag >> 3) == field)
                        found.Add(message[..length]);
                    message = message[length..];
                    break;
                case 5:
                    message = message[4..];
                    break;
                default:
                    throw new InvalidDataException("That is no protobuf.");
            }
        }

        return found;
    }

    private static ulong Number(ref ReadOnlyMemory<byte> message)
    {
        var number = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var part = message.Span[0];
            message = message[1..];
            number |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
                return number;
        }
    }
}
