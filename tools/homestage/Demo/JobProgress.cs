using System.Text.Json.Nodes;
using Spectre.Console;

namespace HomeStage.Tool.Demo;

/// <summary>Shows a job's stream of events as it happens: a bar on a terminal, a line for each event elsewhere.</summary>
internal static class JobProgress
{
    private static readonly HashSet<string> Terminal = new(["succeeded", "failed", "canceled"], StringComparer.Ordinal);

    /// <summary>Returns when the job has ended; a stream that breaks is taken up where it broke.</summary>
    public static Task FollowAsync(GatewayClient gateway, string path, IAnsiConsole console, CancellationToken cancel) =>
        console.Profile.Capabilities.Interactive
            ? console.Progress().Columns(new SpinnerColumn(), new TaskDescriptionColumn(), new ProgressBarColumn(), new ElapsedTimeColumn())
                .StartAsync(context =>
                {
                    var bar = context.AddTask("submitted");
                    return ReadAsync(gateway, path, (name, phase) => Move(bar, name, phase), cancel);
                })
            : ReadAsync(gateway, path, (name, phase) => console.WriteLine($"  {name}{(phase is null ? "" : $": {phase}")}"), cancel);

    /// <summary>How far along an event is, of 100. A picture's own share is unknown: each sign of life goes half of what is left.</summary>
    internal static double Share(string name, double before) => name switch
    {
        "queued" => Math.Max(before, 10),
        "running" => Math.Max(before, 25),
        "progress" => before + ((95 - before) / 2),
        _ when Terminal.Contains(name) => 100,
        _ => before,
    };

    private static void Move(ProgressTask bar, string name, string? phase)
    {
        bar.Value = Share(name, bar.Value);
        bar.Description = Markup.Escape(phase is null ? name : $"{name}: {phase}");
    }

    private static async Task ReadAsync(GatewayClient gateway, string path, Action<string, string?> show, CancellationToken cancel)
    {
        string? last = null;
        for (var broken = 0; broken < 10; broken++)
        {
            try
            {
                await foreach (var item in gateway.EventsAsync(path, last, cancel))
                {
                    last = string.IsNullOrEmpty(item.EventId) ? last : item.EventId;
                    if (item.EventType == "ping")
                        continue;
                    var name = item.EventType == "snapshot" ? Text(item.Data, "status") ?? "snapshot" : item.EventType;
                    show(name, name == "progress" ? PhaseOf(item.Data) : null);
                    if (Terminal.Contains(name))
                        return;
                }
            }
            catch (Exception cut) when (cut is HttpRequestException or IOException)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), cancel);
            }
            // A stream that is asked for after its end is empty (204).
            if (Text(await gateway.GetAsync(path[..path.LastIndexOf('/')], cancel), "status") is { } status && Terminal.Contains(status))
                return;
        }
        throw new ToolException("The stream of events broke ten times; the gateway's and staging-api's logs are in the data folder's logs/.");
    }

    private static string? PhaseOf(JsonNode? data) => Text(data, "previewUrl") is { } preview ? $"{Text(data, "phase")}, preview at {preview}" : Text(data, "phase");

    private static string? Text(JsonNode? data, string name) => data is JsonObject found && found[name] is JsonValue value ? value.ToString() : null;
}
