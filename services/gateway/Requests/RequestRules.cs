using System.Collections.Frozen;
using System.Diagnostics;
using HomeStage.Hosting;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Net.Http.Headers;

namespace HomeStage.Gateway.Requests;

/// <summary>What any request has to keep to, whatever it asks for: its size, its speed, its method; and that it starts a trace of ours.</summary>
internal static class RequestRules
{
    private const int LongestRequestLine = 8 * 1024;
    private const int LargestHeaders = 16 * 1024;
    private const int MostHeaders = 64;

    private static readonly FrozenSet<string> Methods =
        ((string[])["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]).ToFrozenSet(StringComparer.Ordinal);

    // What clients may say about traces ends here: theirs is kept as a link.
    private static readonly string[] TraceHeaders = ["traceparent", "tracestate", "baggage", "Correlation-Context", "Request-Id"];

    /// <summary>Reads <c>MAX_CONNECTIONS</c>.</summary>
    internal static void AddRequestRules(this ServiceBuilder service)
    {
        var connections = service.Settings.WholeNumber("MAX_CONNECTIONS", 20_000, 10, 1_000_000, "how many connections a gateway holds at most");
        service.Services.AddSingleton<DistributedContextPropagator>(new OwnTraces());
        service.Services.Configure<KestrelServerOptions>(kestrel =>
        {
            var limits = kestrel.Limits;
            limits.MaxConcurrentConnections = connections;
            limits.MaxConcurrentUpgradedConnections = 0;
            limits.MaxRequestLineSize = LongestRequestLine;
            limits.MaxRequestHeadersTotalSize = LargestHeaders;
            limits.MaxRequestHeaderCount = MostHeaders;
            limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            limits.KeepAliveTimeout = TimeSpan.FromSeconds(75);
            limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 1024, gracePeriod: TimeSpan.FromSeconds(5));
            limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(10));
            limits.Http2.MaxStreamsPerConnection = 100;
            limits.Http2.MaxRequestHeaderFieldSize = LongestRequestLine;
            limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        });
        service.Use(app => app.Use((context, next) =>
        {
            if (!Methods.Contains(context.Request.Method))
                return Problem.Result(ProblemCode.MethodNotAllowed).ExecuteAsync(context);
            LinkTrace(context.Request.Headers);
            return next(context);
        }));
    }

    private static void LinkTrace(IHeaderDictionary headers)
    {
        if (headers.TryGetValue(HeaderNames.TraceParent, out var parent) && ActivityContext.TryParse(parent, null, isRemote: true, out var theirs))
            Activity.Current?.AddLink(new ActivityLink(theirs));
        foreach (var name in TraceHeaders)
            headers.Remove(name);
    }

    /// <summary>Takes nothing from outside; everything else as the runtime does it.</summary>
    private sealed class OwnTraces : DistributedContextPropagator
    {
        private readonly DistributedContextPropagator _inner = CreateW3CPropagator();

        public override IReadOnlyCollection<string> Fields => _inner.Fields;

        public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter) => _inner.Inject(activity, carrier, setter);

        public override void ExtractTraceIdAndState(object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState) =>
            (traceId, traceState) = (null, null);

        public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter) => null;
    }
}
