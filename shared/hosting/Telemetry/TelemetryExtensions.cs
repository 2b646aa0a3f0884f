using System.Collections.Frozen;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace HomeStage.Hosting.Telemetry;

/// <summary>
/// JSON logs, traces and metrics for every host. Traces and metrics go out by OTLP only where
/// <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set; <c>/metrics</c> on the management listener is always there.
/// A service's own activity sources and meters are picked up when their names begin with <c>HomeStage</c>.
/// </summary>
internal static class TelemetryExtensions
{
    /// <summary>The sources of the spans that a request passes through.</summary>
    private static readonly string[] Spans = ["HomeStage*", "Microsoft.AspNetCore", "MassTransit"];

    /// <summary>What libraries measure that somebody looks at; docs/operations/metrics.md has it. To measure the rest is a tenth of a small request's time.</summary>
    private static readonly FrozenSet<string> Watched = FrozenSet.Create(
        StringComparer.Ordinal,
        "http.server.request.duration",
        "http.client.request.duration",
        "kestrel.active_connections",
        "db.client.operation.duration",
        "db.client.operation.failed",
        "db.client.connection.count",
        "db.client.connection.max",
        "messaging.masstransit.consume");

    internal static void AddTelemetry(this ServiceBuilder service)
    {
        var otlp = service.Settings.Optional("OTEL_EXPORTER_OTLP_ENDPOINT") is not null;
        // Server spans carry no HTTP attributes while this is left at its default.
        if (otlp)
            AppContext.SetSwitch("Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData", false);

        var prometheus = new PrometheusExporter();
        service.Services.AddSingleton(new ServiceName(service.Name, service.Settings.Production));
        service.Services.AddSingleton(prometheus);

        service.Web.Logging.ClearProviders();
        service.Web.Logging.AddConsole(console => console.FormatterName = JsonLogFormatter.FormatterName);
        service.Web.Logging.AddConsoleFormatter<JsonLogFormatter, ConsoleFormatterOptions>();
        // The framework's own lines quote addresses with their query strings.
        foreach (var category in (ReadOnlySpan<string>)["Microsoft.AspNetCore", "Microsoft.EntityFrameworkCore", "System.Net.Http", "Npgsql", "Polly"])
            service.Web.Logging.AddFilter(category, LogLevel.Warning);
        // Where it is on at all, it opens a scope for each request, which no line shows.
        service.Web.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        if (otlp)
            service.Web.Logging.AddOpenTelemetry(logs => (service.Settings.Production ? logs.AddProcessor(new WithoutMessages()) : logs).AddOtlpExporter());

        service.Services.AddSingleton(_ => OpenTelemetrySdk.Create(telemetry =>
        {
            telemetry.ConfigureResource(resource => resource.AddService(service.Name, "homestage"));
            if (otlp)
                telemetry.WithTracing(tracing => tracing.AddSource([.. Spans, "System.Net.Http", "Npgsql", "Yarp.ReverseProxy"]).AddProcessor(new WithoutPaths()).AddOtlpExporter());
            telemetry.WithMetrics(metrics =>
            {
                metrics.AddMeter(
                    "HomeStage*", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Net.Http", "Npgsql", "MassTransit", "System.Runtime");
                metrics.AddView(instrument => IsWatched(instrument) ? null : MetricStreamConfiguration.Drop);
                metrics.AddReader(prometheus.Reader);
                if (otlp)
                    metrics.AddOtlpExporter();
            });
        }));
        if (!otlp)
            service.Services.AddSingleton(_ => TraceIdsOnly());
        service.Services.AddHostedService<TelemetryLifetime>();
        service.Services.AddSingleton<Sweeps>();
        service.AddMetrics<ProcessMetrics>();
    }

    // The runtime's are read when somebody asks, and cost nothing in between.
    private static bool IsWatched(Instrument instrument) =>
        instrument.Meter.Name.StartsWith("HomeStage", StringComparison.Ordinal) || instrument.Meter.Name == "System.Runtime" || Watched.Contains(instrument.Name);

    /// <summary>Trace ids are made and passed on, for the logs; spans that nobody would get are not recorded.</summary>
    private static ActivityListener TraceIdsOnly()
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name.StartsWith("HomeStage", StringComparison.Ordinal) || Spans.Contains(source.Name),
            Sample = (ref _) => ActivitySamplingResult.PropagationData,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    internal static void UseTelemetry(this IApplicationBuilder app)
    {
        // Before anything else is made: what is counted while nobody listens is lost, the zeros too that counters begin with.
        _ = app.ApplicationServices.GetRequiredService<OpenTelemetrySdk>().MeterProvider;
        app.Use((context, next) => Activity.Current is { IsAllDataRequested: true } activity ? RecordAsync(activity, context, next) : next(context));
    }

    private static async Task RecordAsync(Activity activity, HttpContext context, RequestDelegate next)
    {
        await next(context);
        var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
        activity.SetTag("http.route", route);
        // A path may hold a token; the route says as much as a trace needs.
        activity.SetTag("url.path", route);
        if (context.Response.StatusCode >= StatusCodes.Status500InternalServerError)
            activity.SetStatus(ActivityStatusCode.Error);
    }

    /// <summary>Leaves of an outgoing call's address who was called; its path may hold a token, and the one who was called knows the route.</summary>
    private sealed class WithoutPaths : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data)
        {
            if (data.Kind == ActivityKind.Client && data.GetTagItem("url.full") is string address && Uri.TryCreate(address, UriKind.Absolute, out var url))
                data.SetTag("url.full", url.GetLeftPart(UriPartial.Authority));
        }
    }

    /// <summary>Keeps messages of exceptions out, as <see cref="JsonLogFormatter"/> does: those of drivers can quote data.</summary>
    private sealed class WithoutMessages : BaseProcessor<LogRecord>
    {
        public override void OnEnd(LogRecord data)
        {
            if (data.Exception is not { } exception)
                return;
            data.Exception = null;
            var stacks = new List<string>();
            for (var current = exception; current is not null; current = current.InnerException)
                stacks.Add($"{current.GetType().FullName}\n{current.StackTrace}");
            data.Attributes = [.. data.Attributes ?? [], new("exception.type", exception.GetType().FullName), new("exception.stacktrace", string.Join('\n', stacks))];
        }
    }

    /// <summary>Builds the SDK at the start and flushes it at the end; it listens for as long as it lives.</summary>
    private sealed class TelemetryLifetime(OpenTelemetrySdk sdk, IEnumerable<ActivityListener> listeners) : IHostedLifecycleService
    {
        // Being asked for is what makes them listen.
        private readonly ActivityListener[] _listeners = [.. listeners];

        public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppedAsync(CancellationToken cancellationToken)
        {
            sdk.TracerProvider.ForceFlush(5_000);
            sdk.MeterProvider.ForceFlush(5_000);
            return Task.CompletedTask;
        }
    }
}
