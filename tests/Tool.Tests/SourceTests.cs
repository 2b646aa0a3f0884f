using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace HomeStage.Tool.Tests;

/// <summary>What neither the build nor the check of white space sees.</summary>
public sealed partial class SourceTests
{
    private static readonly string[] Folders = ["services", "shared", "tests", "tools"];

    [Fact]
    public void Using_directives_are_sorted_with_System_first()
    {
        var files = Folders.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(SourceTree.Root, folder), "*.cs", SearchOption.AllDirectories))
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/node_modules/", StringComparison.Ordinal))
            .Select(file => (File: file, Names: Using.Matches(File.ReadAllText(file)).Select(match => match.Groups["name"].Value).ToList()))
            .ToList();

        files.Count.ShouldBeGreaterThan(500);
        files.Where(file => !file.Names.SequenceEqual(file.Names.Order(Comparer<string>.Create(Compare)), StringComparer.Ordinal)).Select(file => file.File).ShouldBeEmpty();
    }

    /// <summary>As <c>dotnet format</c> sorts: word by word, whatever the case.</summary>
    private static int Compare(string one, string other)
    {
        var (words, others) = (one.Split('.'), other.Split('.'));
        if (words[0] == "System" != (others[0] == "System"))
            return words[0] == "System" ? -1 : 1;
        return words.Zip(others, StringComparer.OrdinalIgnoreCase.Compare).FirstOrDefault(order => order != 0, words.Length - others.Length);
    }

    [GeneratedRegex(@"^using (?<name>[\w.]+);", RegexOptions.Multiline | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Using { get; }
}
