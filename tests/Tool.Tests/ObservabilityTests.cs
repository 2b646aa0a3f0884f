using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using HomeStage.Testing;
using HomeStage.Tool.Observe;
using HomeStage.Tool.Servers;
using Shouldly;
using Xunit;

namespace HomeStage.Tool.Tests;

/// <summary>Metrics, alerts, dashboards and runbooks belong together.</summary>
public sealed partial class ObservabilityTests
{
    private const RegexOptions Linear = RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture;

    private static readonly HashSet<string> Words = new(["and", "or", "unless", "by", "on", "offset", "group_left", "Inf", "sum", "max", "min", "avg"], StringComparer.Ordinal);

    private static readonly string Rules = Path.Combine(SourceTree.Root, "deploy", "prometheus");

    [Fact]
    public void What_follows_from_the_code_is_current()
    {
        foreach (var (path, content) in GenerateCommand.Files())
            File.ReadAllText(Path.Combine(SourceTree.Root, path)).ShouldBe(content, $"{path}: run ./homestage generate");
    }

    [Fact]
    public void Instruments_are_found_in_code_whatever_stands_between_their_name_and_their_unit()
    {
        const string code = """
            meter.CreateCounter<long>("homestage.a.b", "{thing}", "Things, by `kind`.");
            _meter.CreateObservableGauge(
                "homestage.c", () => Each(() => new("x", code)), "s", "Age.");
            meter.CreateDuration("homestage.d", "s", "Time.");
            other.CreateCounter<long>("not.ours", "{thing}", "No.");
            """;

        var found = MetricCatalog.In(code, "services/billing").ToList();

        found.Select(metric => (metric.PrometheusName, metric.Kind)).ShouldBe(
            [("homestage_a_b_total", "counter"), ("homestage_c_seconds", "gauge"), ("homestage_d_seconds", "histogram")]);
        found[0].Labels.ShouldBe(["kind"]);
    }

    [Fact]
    public async Task Every_alert_fires_and_ends_when_it_should()
    {
        var promtool = Executables.OnPath("promtool").ShouldNotBeNull("promtool is not installed; ./homestage test installs it");
        var tests = Directory.GetFiles(Path.Combine(Rules, "tests"), "*.test.yml").Order(StringComparer.Ordinal).ToArray();
        tests.Length.ShouldBe(RuleFiles().Length);

        await RunAsync(promtool, ["check", "rules", .. RuleFiles()]);
        await RunAsync(promtool, ["test", "rules", .. tests]);
    }

    [Fact]
    public async Task Prometheus_takes_the_configurations_of_compose_and_of_Kubernetes()
    {
        var promtool = Executables.OnPath("promtool").ShouldNotBeNull("promtool is not installed; ./homestage test installs it");

        await RunAsync(promtool, ["check", "config", Path.Combine(Rules, "prometheus.yml")]);
        // Debian's promtool is built without discovery in Kubernetes.
        var kubernetes = await ReadAsync("deploy", "kubernetes", "prometheus.yml");
        kubernetes.ShouldContain("    kubernetes_sd_configs: [ { role: pod,");
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("prometheus.yml"), Discovery.Replace(kubernetes, "static_configs: [ { targets: [ found ] } ]"), TestContext.Current.CancellationToken);
        await RunAsync(promtool, ["check", "config", folder.File("prometheus.yml")]);
    }

    [Fact]
    public async Task Every_alert_is_tested_both_ways_and_has_a_runbook_that_the_index_names()
    {
        var index = await ReadAsync("docs", "operations", "README.md");
        var tests = string.Concat(Directory.GetFiles(Path.Combine(Rules, "tests")).Select(File.ReadAllText));
        var alerts = RuleFiles().SelectMany(file => Alert.Matches(File.ReadAllText(file))).ToList();

        alerts.Count.ShouldBeGreaterThan(30);
        foreach (var alert in alerts)
        {
            var name = alert.Groups["name"].Value;
            tests.ShouldContain($"alertname: {name}\n        exp_alerts:", customMessage: $"{name} is never seen to fire");
            tests.ShouldContain($"alertname: {name} }}", customMessage: $"{name} is never seen to be quiet");
            var runbook = alert.Groups["runbook"].Value;
            (await ReadAsync(runbook)).ShouldContain(name, customMessage: runbook);
            index.ShouldContain($"({Path.GetFileName(runbook)})");
        }

        alerts.Select(alert => alert.Groups["severity"].Value).Distinct().Order(StringComparer.Ordinal).ShouldBe(["page", "ticket"]);
    }

    [Fact]
    public void Every_metric_that_a_rule_or_a_dashboard_names_exists()
    {
        var rules = RuleFiles().Select(File.ReadAllText).ToList();
        var known = MetricCatalog.Ours().Select(metric => metric.PrometheusName)
            .Concat(MetricCatalog.Foreign.Select(metric => metric.Name))
            .Concat(rules.SelectMany(text => Recorded.Matches(text)).Select(recorded => recorded.Groups["name"].Value))
            .ToHashSet(StringComparer.Ordinal);
        var expressions = rules.SelectMany(text => Expression.Matches(text)).Select(match => match.Groups["text"].Value)
            .Concat(Directory.GetFiles(Path.Combine(SourceTree.Root, "deploy", "grafana"), "*.json").SelectMany(ExpressionsOf))
            .ToList();

        expressions.Count.ShouldBeGreaterThan(100);
        var unknown = expressions.SelectMany(NamesIn).Distinct(StringComparer.Ordinal).Where(name => !known.Contains(name) && !known.Contains(Suffix.Replace(name, "")));
        unknown.ShouldBeEmpty();
    }

    private static string[] RuleFiles() => [.. Directory.GetFiles(Rules, "*.rules.yml").Order(StringComparer.Ordinal)];

    private static Task<string> ReadAsync(params string[] path) =>
        File.ReadAllTextAsync(Path.Combine([SourceTree.Root, .. path]), TestContext.Current.CancellationToken);

    private static IEnumerable<string> ExpressionsOf(string dashboard) =>
        JsonNode.Parse(File.ReadAllText(dashboard))!["panels"]!.AsArray().SelectMany(panel => panel!["targets"]!.AsArray()).Select(target => (string)target!["expr"]!);

    /// <summary>What is neither a function, a word of the language, a label, a text nor a number.</summary>
    private static IEnumerable<string> NamesIn(string expression) =>
        Token.Matches(expression).Where(token => token.Groups["name"].Success && !token.Groups["call"].Success)
            .Select(token => token.Groups["name"].Value).Where(name => !Words.Contains(name));

    private static async Task RunAsync(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        process.ExitCode.ShouldBe(0, output + await errors);
    }

    [GeneratedRegex(@"- alert: (?<name>\w+)\n(        [^\n]*\n)*?        labels: \{ severity: (?<severity>\w+) \}\n(        [^\n]*\n)*?          runbook: (?<runbook>\S+)\n", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Alert { get; }

    [GeneratedRegex("kubernetes_sd_configs: [^\n]*", Linear)]
    private static partial Regex Discovery { get; }

    [GeneratedRegex("record: \"(?<name>[^\"]+)\"", Linear)]
    private static partial Regex Recorded { get; }

    [GeneratedRegex(@"expr: (\|\n(?<text>(          [^\n]*\n)+)|'(?<text>[^'\n]*)'|""(?<text>[^""\n]*)""|(?<text>[^|'""\n][^\n]*)\n)", Linear)]
    private static partial Regex Expression { get; }

    [GeneratedRegex(@"""[^""]*""|\{[^}]*\}|\b(by|on) ?\([^)]*\)|[0-9][\w.]*|(?<name>[a-zA-Z_:][\w:]*)(?<call> ?\()?", Linear)]
    private static partial Regex Token { get; }

    [GeneratedRegex("_(bucket|sum|count)$", Linear)]
    private static partial Regex Suffix { get; }
}
