using System.Text.RegularExpressions;
using HomeStage.Testing;

namespace HomeStage.EndToEnd.Tests;

/// <summary>What a running system tells of itself.</summary>
[Collection(SharedStack.Collection)]
public sealed partial class ObservabilityTests(SharedStack shared)
{
    private static readonly string[] Services = ["gateway", "billing", "entitlements", "staging-api", "staging-worker"];

    [Fact]
    public async Task One_trace_leads_from_the_click_over_the_bus_and_the_provider_to_the_ledger()
    {
        using var visitor = await Visitor.ArriveAsync(shared.Stack);
        await visitor.BuyAsync("quick");
        var job = await visitor.StageAsync();
        await visitor.EndedAsync(job);

        var provider = $"{shared.Stack.OpenAi.Port}";
        await Eventually.Async(
            () => TraceOf(job) is { Count: > 0 } trace
                && Has(trace, "gateway", "Microsoft.AspNetCore", "/api/v1/stagings")
                && Has(trace, "staging-api", "Microsoft.AspNetCore", "/api/v1/stagings")
                && Has(trace, "entitlements", "Microsoft.AspNetCore", "/internal/holds")
                && Has(trace, "staging-api", "HomeStage.Messaging", "outbox publish")
                && Has(trace, "staging-worker", "MassTransit", "stage-room")
                && Has(trace, "staging-api", "Microsoft.AspNetCore", "/internal/jobs")
                && trace.Any(span => span.Service == "staging-worker" && span.Source == "System.Net.Http" && span.Attributes.GetValueOrDefault("url.full", "").Contains(provider, StringComparison.Ordinal))
                && Has(trace, "staging-api", "MassTransit", "room-staged")
                && trace.Find(span => span.Service == "entitlements" && span.Source == "MassTransit" && span.Name.Contains("staging-settled", StringComparison.Ordinal)) is { } settled
                // The ledger's entries are written by a statement beneath the settlement's consumer.
                && trace.Exists(span => span is { Service: "entitlements", Source: "Npgsql" } && IsBeneath(trace, span, settled)),
            $"every step of job {job} is in one trace");
    }

    [Fact]
    public async Task What_the_services_show_is_in_the_reference_under_the_same_name_and_with_no_other_label()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Tool.SourceTree.Root, "docs", "operations", "metrics.md"), TestContext.Current.CancellationToken);
        var reference = Row.Matches(page).ToDictionary(
            row => row.Groups["name"].Value,
            row => Label.Matches(row.Groups["rest"].Value).Select(label => label.Groups["name"].Value).ToHashSet(StringComparer.Ordinal),
            StringComparer.Ordinal);
        // Some is shown only once it has happened.
        using var visitor = await Visitor.ArriveAsync(shared.Stack);
        await visitor.BuyAsync("quick");
        await visitor.EndedAsync(await visitor.StageAsync());
        using var client = new HttpClient();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var service in Services)
        {
            var text = await client.GetStringAsync(shared.Stack.Setting(service, "MANAGEMENT_URL") + "/metrics", TestContext.Current.CancellationToken);
            foreach (Match line in Series.Matches(text))
            {
                var name = line.Groups["name"].Value;
                // The runtime's are all there; the reference has those that are used.
                if (name.StartsWith("dotnet_", StringComparison.Ordinal))
                    continue;
                var metric = reference.ContainsKey(name) ? name : Suffix.Replace(name, "");
                reference.ShouldContainKey(metric, service);
                seen.Add(metric);
                // Those of others have more labels than anybody asks for.
                if (metric.StartsWith("homestage_", StringComparison.Ordinal))
                {
                    LabelName.Matches(line.Groups["labels"].Value).Select(label => label.Groups["name"].Value)
                        .Where(label => label != "le" && !reference[metric].Contains(label)).ShouldBeEmpty(metric);
                }
            }
        }

        // Counters that alerts watch are there before anything has happened, or their first step would not be seen.
        seen.ShouldContain("homestage_messaging_dead_lettered_total");
        seen.ShouldContain("homestage_gateway_identities_total");
        seen.ShouldContain("homestage_attempts_ended_total");
        seen.ShouldContain("homestage_billing_webhook_refused_total");
        seen.ShouldContain("homestage_support_refused_total");
        seen.ShouldContain("homestage_ledger_violations");
        seen.ShouldContain("http_server_request_duration_seconds");
        seen.ShouldContain("http_client_request_duration_seconds");
        seen.ShouldContain("kestrel_active_connections");
        seen.ShouldContain("db_client_operation_duration_seconds");
        seen.ShouldContain("db_client_connection_count");
        seen.ShouldContain("db_client_connection_max");
        seen.ShouldContain("messaging_masstransit_consume_total");
        seen.Count.ShouldBeGreaterThan(40);
    }

    private static bool Has(List<CollectedSpan> trace, string service, string source, string what) => trace.Exists(span =>
        span.Service == service && span.Source == source
        && (span.Name.Contains(what, StringComparison.Ordinal) || span.Attributes.GetValueOrDefault("http.route", "").StartsWith(what, StringComparison.Ordinal)));

    private static bool IsBeneath(List<CollectedSpan> trace, CollectedSpan? span, CollectedSpan above)
    {
        while (span is not null && span.SpanId != above.SpanId)
        {
            var parent = span.ParentId;
            span = trace.Find(other => other.SpanId == parent);
        }

        return span is not null;
    }

    /// <summary>The trace of a job's submission, which staging-api logs nothing of: found by the attempt's message, which says its conversation's job.</summary>
    private List<CollectedSpan> TraceOf(Guid job)
    {
        var log = shared.Stack.Processes.Where(process => process.Name.StartsWith("staging-worker", StringComparison.Ordinal))
            .SelectMany(process => File.ReadLines(process.LogFile)).FirstOrDefault(line => line.Contains(job.ToString(), StringComparison.Ordinal));
        var trace = log is null ? null : (string?)System.Text.Json.Nodes.JsonNode.Parse(log)!["traceId"];
        return [.. shared.Collector.Spans.Where(span => span.TraceId == trace)];
    }

    [GeneratedRegex(@"^\| `(?<name>\w+)` (?<rest>.*)$", RegexOptions.Multiline | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Row { get; }

    [GeneratedRegex("`(?<name>[a-z_]+)`", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Label { get; }

    [GeneratedRegex(@"^(?<name>\w+)(\{(?<labels>.*)\})? \S+$", RegexOptions.Multiline | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Series { get; }

    [GeneratedRegex(@"(?<name>\w+)=""", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex LabelName { get; }

    [GeneratedRegex("_(bucket|sum|count)$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Suffix { get; }
}
