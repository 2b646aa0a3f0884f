using System.Xml;
using System.Xml.Linq;

namespace HomeStage.Tool.Test;

/// <summary>How one test project, or one check that counts as a test, went.</summary>
/// <param name="Name">Of the project or check.</param>
/// <param name="Passed">Number of tests.</param>
/// <param name="Failed">Number of tests, and of errors outside of tests.</param>
/// <param name="Skipped">Number of tests.</param>
/// <param name="FailedTests">Their full names.</param>
/// <param name="Trouble">What went wrong with the project as a whole, or null.</param>
internal sealed record SuiteResult(string Name, int Passed, int Failed, int Skipped, IReadOnlyList<string> FailedTests, string? Trouble = null)
{
    /// <summary>A project that ended without saying how its tests went counts as one failure.</summary>
    public static SuiteResult Broken(string name, string trouble) => new(name, 0, 1, 0, [], trouble);

    public static SuiteResult Check(string name, bool passed) => new(name, passed ? 1 : 0, passed ? 0 : 1, 0, passed ? [] : [name]);

    /// <summary>Reads xunit's own XML (v2 format, which version 3 writes too).</summary>
    public static SuiteResult FromXml(string name, string file, int exitCode)
    {
        try
        {
            return FromXml(name, XDocument.Load(file), exitCode);
        }
        catch (Exception unreadable) when (unreadable is IOException or XmlException)
        {
            return Broken(name, $"ended with exit code {exitCode} and left no results");
        }
    }

    internal static SuiteResult FromXml(string name, XDocument results, int exitCode)
    {
        var assemblies = results.Descendants("assembly").ToList();
        int Sum(string attribute) => assemblies.Sum(assembly => (int?)assembly.Attribute(attribute) ?? 0);
        var failed = Sum("failed") + Sum("errors");
        var names = results.Descendants("test").Where(test => (string?)test.Attribute("result") == "Fail").Select(test => (string)test.Attribute("name")!);
        var result = new SuiteResult(name, Sum("passed"), failed, Sum("skipped"), [.. names]);
        // All tests passed, and yet the process says it failed: it crashed on its way out, for instance while stopping what it had started.
        return failed == 0 && exitCode != 0
            ? result with { Failed = 1, Trouble = $"all its tests passed, but it ended with exit code {exitCode}" }
            : result;
    }
}
