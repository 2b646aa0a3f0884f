using Spectre.Console;

namespace HomeStage.Tool.Up;

/// <summary>Tells a person who waits what is being done: a spinner on a terminal, plain lines elsewhere.</summary>
internal static class Progress
{
    public static async Task<T> ShowAsync<T>(IAnsiConsole console, string title, Func<Action<string>, Task<T>> work)
    {
        if (!console.Profile.Capabilities.Interactive)
            return await work(line => console.WriteLine(line + "…"));
        return await console.Status().StartAsync(title, status => work(line => status.Status(Markup.Escape(line) + "…")));
    }
}
