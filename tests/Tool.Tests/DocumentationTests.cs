using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace HomeStage.Tool.Tests;

/// <summary>What the documents say of the code is there.</summary>
public sealed partial class DocumentationTests
{
    private const RegexOptions Linear = RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture;

    [Fact]
    public async Task Every_test_that_a_control_names_exists()
    {
        var controls = await File.ReadAllTextAsync(Path.Combine(SourceTree.Root, "docs", "security", "controls.md"), TestContext.Current.CancellationToken);
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in Sources("tests"))
        {
            var text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
            if (Namespace.Match(text) is not { Success: true } found || Class.Match(text) is not { Success: true } type)
                continue;
            foreach (Match test in Test.Matches(text))
                known.Add($"{found.Groups["name"].Value}.{type.Groups["name"].Value}.{test.Groups["name"].Value}");
        }

        var named = NamedTest.Matches(controls).Select(match => match.Groups["name"].Value).ToList();

        named.Count.ShouldBeGreaterThan(50);
        named.Where(name => !known.Contains(name)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_control_names_a_test()
    {
        var controls = await File.ReadAllLinesAsync(Path.Combine(SourceTree.Root, "docs", "security", "controls.md"), TestContext.Current.CancellationToken);
        var rows = controls.Where(line => line.StartsWith("| C", StringComparison.Ordinal)).ToList();

        rows.Count.ShouldBeGreaterThanOrEqualTo(35);
        rows.Where(row => !NamedTest.IsMatch(row)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_setting_that_a_service_reads_is_documented()
    {
        var documented = await File.ReadAllTextAsync(Path.Combine(SourceTree.Root, "docs", "configuration.md"), TestContext.Current.CancellationToken);
        var read = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var file in Sources("services").Concat(Sources("shared")))
        {
            foreach (Match setting in Setting.Matches(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)))
                read.Add(setting.Groups["name"].Value);
        }

        // libvips' own.
        read.Remove("VIPS_WARNING");
        read.Count.ShouldBeGreaterThan(50);
        read.Where(name => !documented.Contains($"`{name}`", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    private static IEnumerable<string> Sources(string folder) =>
        Directory.EnumerateFiles(Path.Combine(SourceTree.Root, folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));

    [GeneratedRegex(@"^namespace HomeStage\.(?<name>[\w.]+);", Linear | RegexOptions.Multiline)]
    private static partial Regex Namespace { get; }

    [GeneratedRegex(@"^public (abstract |sealed |partial )*class (?<name>\w+)", Linear | RegexOptions.Multiline)]
    private static partial Regex Class { get; }

    [GeneratedRegex(@"^    \[(Fact|Theory)[^\n]*\]\n(    \[[^\n]*\n|#[^\n]*\n)*    public (async Task|Task|void) (?<name>\w+)\(", Linear | RegexOptions.Multiline)]
    private static partial Regex Test { get; }

    [GeneratedRegex(@"`(?<name>\w+\.Tests\.[\w.]+)`", Linear)]
    private static partial Regex NamedTest { get; }

    [GeneratedRegex("(Optional|Required|Secret|WholeNumber|Seconds|Url|Folder)\\(\"(?<name>[A-Z]+)\"|\"(?<name>[A-Z][A-Z0-9]*(_[A-Z0-9]+)+)\"", Linear)]
    private static partial Regex Setting { get; }
}
