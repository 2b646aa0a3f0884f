using System.Collections.Concurrent;
using Spectre.Console;

namespace HomeStage.Tool.Test;

/// <summary>Adds up, and closes with the line that CI reads.</summary>
internal sealed class Tally
{
    private readonly ConcurrentQueue<SuiteResult> _results = [];

    public bool IsEmpty => _results.Sum(result => result.Passed + result.Failed + result.Skipped) == 0;

    public bool IsGreen => !IsEmpty && _results.All(result => result.Failed == 0);

    public string LastLine
    {
        get
        {
            var skipped = _results.Sum(result => result.Skipped);
            return $"{_results.Sum(result => result.Passed)} passed, {_results.Sum(result => result.Failed)} failed{(skipped > 0 ? $", {skipped} skipped" : "")}";
        }
    }

    public void Add(SuiteResult result) => _results.Enqueue(result);

    public void Print(IAnsiConsole console)
    {
        foreach (var result in _results.Where(result => result.Failed > 0))
        {
            console.WriteLine($"Failed in {result.Name}:{(result.Trouble is null ? "" : $" {result.Trouble}")}");
            foreach (var test in result.FailedTests)
                console.WriteLine($"  {test}");
        }
        // Not through Spectre, which would break a line at the terminal's width.
        Console.WriteLine(LastLine);
    }
}
