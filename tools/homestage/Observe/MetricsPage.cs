using System.Text;

namespace HomeStage.Tool.Observe;

/// <summary><c>docs/operations/metrics.md</c>.</summary>
internal static class MetricsPage
{
    public const string File = "docs/operations/metrics.md";

    public static string Render(IReadOnlyList<Metric> ours, IReadOnlyList<ForeignMetric> foreign)
    {
        var page = new StringBuilder("""
            # Metrics

            Generated from the code by `./homestage generate`; a test fails while it is not current. Every service shows its metrics in
            Prometheus' text format at `/metrics` of its management listener, and sends them by OTLP where `OTEL_EXPORTER_OTLP_ENDPOINT` is set
            (there under the name in the second column). No label has a value that a client chooses, so the number of series is bounded; beyond
            2,000 of one metric the rest are added up under `otel_metric_overflow`. Histograms have `_bucket`, `_sum` and `_count`. Gauges of
            queues, outboxes, jobs, events and the ledger are seen by every replica: take the `max`, not the `sum`.

            ## Ours

            | in Prometheus | in OpenTelemetry | kind | unit | services | what it says |
            |---|---|---|---|---|---|

            """);
        foreach (var metric in ours)
            page.Append($"| `{metric.PrometheusName}` | `{metric.Name}` | {metric.Kind} | {metric.Unit} | {metric.Services} | {metric.Description} |\n");
        page.Append("""

            ## Of others

            Those that alerts and dashboards use, and no others but the runtime's `dotnet_…`: what nobody looks at is not measured.

            | in Prometheus | kind | from | what it says |
            |---|---|---|---|

            """);
        foreach (var metric in foreign)
            page.Append($"| `{metric.Name}` | {metric.Kind} | {metric.From} | {metric.Description} |\n");
        return page.ToString();
    }
}
