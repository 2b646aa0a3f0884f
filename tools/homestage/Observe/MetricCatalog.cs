using System.Text.RegularExpressions;

namespace HomeStage.Tool.Observe;

/// <summary>A metric of ours, as the code creates it.</summary>
/// <param name="Name">OpenTelemetry's name, e.g. <c>homestage.outbox.lag</c>.</param>
/// <param name="Kind">counter, gauge or histogram, as Prometheus sees it.</param>
/// <param name="Unit">OpenTelemetry's unit.</param>
/// <param name="Description">What it says; what stands in backticks are its labels.</param>
/// <param name="Source">The folder that creates it.</param>
internal sealed partial record Metric(string Name, string Kind, string Unit, string Description, string Source)
{
    /// <summary>Its labels.</summary>
    public IReadOnlyList<string> Labels => [.. Label.Matches(Description).Select(match => match.Groups["name"].Value)];

    /// <summary>Its name at <c>/metrics</c>: dots become underscores, unit and <c>_total</c> are appended.</summary>
    public string PrometheusName
    {
        get
        {
            var unit = Unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
            var name = Name.Replace('.', '_') + unit;
            return Kind == "counter" ? name + "_total" : name;
        }
    }

    /// <summary>Which services have it.</summary>
    public string Services => Source switch
    {
        "shared/hosting/Telemetry" => "all",
        "shared/hosting/Messaging" => "all but the gateway",
        "shared/hosting/Redis" => "those with Redis",
        _ => Source.Split('/')[1],
    };

    [GeneratedRegex("`(?<name>[a-z_]+)`", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Label { get; }
}

/// <summary>A metric that others make and that our alerts or dashboards use.</summary>
/// <param name="Name">Its name in Prometheus, without <c>_bucket</c>, <c>_sum</c> and <c>_count</c>.</param>
/// <param name="Kind">counter, gauge or histogram.</param>
/// <param name="From">Who makes it.</param>
/// <param name="Description">What it says.</param>
internal sealed record ForeignMetric(string Name, string Kind, string From, string Description);

/// <summary>Every metric there is: ours by reading the code, those of others as far as they are used.</summary>
internal static partial class MetricCatalog
{
    private const string Framework = "ASP.NET Core and .NET";
    private const string Node = "Prometheus' node exporter, on machines that are ours to watch";

    /// <summary>Those of others.</summary>
    public static IReadOnlyList<ForeignMetric> Foreign { get; } =
    [
        new("up", "gauge", "Prometheus", "whether a replica could be scraped, by `job` and `instance`"),
        new("http_server_request_duration_seconds", "histogram", Framework, "requests, by `http_route`, `http_request_method` and `http_response_status_code`; rate, errors and latency of each route; without the management listener"),
        new("http_client_request_duration_seconds", "histogram", Framework, "outgoing requests but those that the gateway forwards, by `server_address` and `http_response_status_code`"),
        new("kestrel_active_connections", "gauge", Framework, "open connections of clients"),
        new("dotnet_process_cpu_time_seconds_total", "counter", Framework, "processor time, by `cpu_mode`"),
        new("dotnet_process_cpu_count", "gauge", Framework, "processors that the process may use"),
        new("dotnet_process_memory_working_set_bytes", "gauge", Framework, "memory in use"),
        new("dotnet_gc_pause_time_seconds_total", "counter", Framework, "time that garbage collection stopped the process for"),
        new("dotnet_exceptions_total", "counter", Framework, "exceptions thrown, by `error_type`"),
        new("db_client_operation_duration_seconds", "histogram", "Npgsql", "statements"),
        new("db_client_operation_failed_total", "counter", "Npgsql", "statements that failed; there from the first one on"),
        new("db_client_connection_count", "gauge", "Npgsql", "the pool's connections, by `db_client_connection_state`: idle or used"),
        new("db_client_connection_max", "gauge", "Npgsql", "connections that the pool may have: `DATABASE_POOL`"),
        new("messaging_masstransit_consume_total", "counter", "MassTransit", "messages consumed, by `messaging_masstransit_message_type`"),
        new("node_cpu_seconds_total", "counter", Node, "processor time, by `mode`"),
        new("node_memory_MemAvailable_bytes", "gauge", Node, "memory that is left"),
        new("node_memory_MemTotal_bytes", "gauge", Node, "memory that there is"),
        new("node_filesystem_avail_bytes", "gauge", Node, "disk that is left, by `mountpoint`"),
        new("node_filesystem_size_bytes", "gauge", Node, "disk that there is, by `mountpoint`"),
    ];

    /// <summary>Ours, in the order of their names: every instrument that code under <c>services/</c> and <c>shared/</c> creates.</summary>
    public static IReadOnlyList<Metric> Ours() =>
    [
        .. new[] { "services", "shared" }
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(SourceTree.Root, folder), "*.cs", SearchOption.AllDirectories))
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal))
            .SelectMany(file => In(File.ReadAllText(file), SourceOf(file)))
            .OrderBy(metric => metric.Name, StringComparer.Ordinal),
    ];

    /// <summary>The instruments that a file creates: calls whose first text is a name of ours and whose last two are unit and description.</summary>
    internal static IEnumerable<Metric> In(string code, string source)
    {
        foreach (Match creation in Creation.Matches(code))
        {
            var texts = TextsOfCall(code, creation.Index + creation.Length);
            if (texts is [{ } name, .., { } unit, { } description] && name.StartsWith("homestage.", StringComparison.Ordinal))
                yield return new(name, KindOf(creation.Groups["kind"].Value), unit, description, source);
        }
    }

    private static string KindOf(string creation) => creation switch
    {
        "Counter" => "counter",
        "Histogram" or "Duration" => "histogram",
        _ => "gauge",
    };

    private static string SourceOf(string file)
    {
        var parts = Path.GetRelativePath(SourceTree.Root, file).Split('/');
        return string.Join('/', parts[0] == "shared" ? parts[..3] : parts[..2]);
    }

    /// <summary>The string literals between a call's parentheses, from after the opening one.</summary>
    private static List<string> TextsOfCall(string code, int start)
    {
        var texts = new List<string>();
        var depth = 1;
        for (var at = start; depth > 0 && at < code.Length; at++)
        {
            switch (code[at])
            {
                case '(':
                    depth++;
                    break;
                case ')':
                    depth--;
                    break;
                case '"':
                    var end = code.IndexOf('"', at + 1);
                    texts.Add(code[(at + 1)..end]);
                    at = end;
                    break;
            }
        }

        return texts;
    }

    [GeneratedRegex(@"\.Create(?<kind>Counter|UpDownCounter|Histogram|Duration|ObservableGauge)(<\w+>)?\(", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Creation { get; }
}
