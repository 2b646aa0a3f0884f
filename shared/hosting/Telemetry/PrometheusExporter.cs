using System.Globalization;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace HomeStage.Hosting.Telemetry;

/// <summary>
/// Renders the meters in Prometheus' text format 0.0.4 when asked, because no exporter for it can be restored.
/// Names follow OpenTelemetry's rules for Prometheus: dots become underscores, the unit and <c>_total</c> are appended.
/// </summary>
internal sealed class PrometheusExporter : IDisposable
{
    internal const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly Lock _gate = new();
    private readonly StringBuilder _text = new();

    private readonly TextExporter _exporter;

    internal PrometheusExporter()
    {
        _exporter = new TextExporter(this);
        Reader = new BaseExportingMetricReader(_exporter);
    }

    internal MetricReader Reader { get; }

    public void Dispose() => _exporter.Dispose();

    internal string Collect()
    {
        lock (_gate)
        {
            _text.Clear();
            _exporter.Collect?.Invoke(Timeout.Infinite);
            return _text.ToString();
        }
    }

    private void Append(Metric metric)
    {
        var counter = metric.MetricType is MetricType.LongSum or MetricType.DoubleSum;
        var histogram = metric.MetricType is MetricType.Histogram or MetricType.ExponentialHistogram;
        var name = NameOf(metric, counter);
        _text.Append("# HELP ").Append(name).Append(' ').Append(Escape(metric.Description)).Append('\n');
        _text.Append("# TYPE ").Append(name).Append(counter ? " counter\n" : histogram ? " histogram\n" : " gauge\n");
        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            var labels = LabelsOf(point);
            switch (metric.MetricType)
            {
                case MetricType.LongSum or MetricType.LongSumNonMonotonic:
                    Line(name, labels, point.GetSumLong());
                    break;
                case MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic:
                    Line(name, labels, point.GetSumDouble());
                    break;
                case MetricType.LongGauge:
                    Line(name, labels, point.GetGaugeLastValueLong());
                    break;
                case MetricType.DoubleGauge:
                    Line(name, labels, point.GetGaugeLastValueDouble());
                    break;
                case MetricType.Histogram:
                    Histogram(name, labels, point);
                    break;
            }
        }
    }

    private void Histogram(string name, string labels, in MetricPoint point)
    {
        long seen = 0;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            seen += bucket.BucketCount;
            var bound = double.IsPositiveInfinity(bucket.ExplicitBound) ? "+Inf" : Number(bucket.ExplicitBound);
            var le = $"le=\"{bound}\"";
            Line(name + "_bucket", labels.Length == 0 ? le : labels + "," + le, seen);
        }

        Line(name + "_sum", labels, point.GetHistogramSum());
        Line(name + "_count", labels, point.GetHistogramCount());
    }

    private void Line(string name, string labels, double value)
    {
        _text.Append(name);
        if (labels.Length > 0)
            _text.Append('{').Append(labels).Append('}');
        _text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string NameOf(Metric metric, bool counter)
    {
        var unit = metric.Unit switch
        {
            "s" => "_seconds",
            "ms" => "_milliseconds",
            "By" => "_bytes",
            "1" when !counter => "_ratio",
            _ => "",
        };
        var name = Sanitize(metric.Name);
        if (unit.Length > 0 && !name.EndsWith(unit, StringComparison.Ordinal))
            name += unit;
        return counter && !name.EndsWith("_total", StringComparison.Ordinal) ? name + "_total" : name;
    }

    private static string LabelsOf(in MetricPoint point)
    {
        var labels = new StringBuilder();
        foreach (var tag in point.Tags)
        {
            if (labels.Length > 0)
                labels.Append(',');
            labels.Append(Sanitize(tag.Key)).Append("=\"").Append(Escape(tag.Value?.ToString() ?? "")).Append('"');
        }

        return labels.ToString();
    }

    private static string Sanitize(string name) => string.Concat(name.Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '_'));

    private static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    [ExportModes(ExportModes.Pull)]
    private sealed class TextExporter(PrometheusExporter owner) : BaseExporter<Metric>, IPullMetricExporter
    {
        public Func<int, bool>? Collect { get; set; }

        public override ExportResult Export(in Batch<Metric> batch)
        {
            foreach (var metric in batch)
                owner.Append(metric);
            return ExportResult.Success;
        }
    }
}
