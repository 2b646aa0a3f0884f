using System.Collections;
using HomeStage.Tool.Deployments;
using HomeStage.Tool.Prerequisites;
using Spectre.Console;

namespace HomeStage.Tool.Up;

internal sealed record UpOptions
{
    public const int DefaultPort = 8080;

    public int Port { get; init; } = DefaultPort;

    public int Workers { get; init; } = 1;

    /// <summary>Of every service but the workers.</summary>
    public int Replicas { get; init; } = 1;

    /// <summary>The ports of the gateways: one after the other.</summary>
    public IReadOnlyList<int> Ports => [.. Enumerable.Range(Port, Replicas)];

    public string Data { get; init; } = DataFolder.Default;

    public bool Fresh { get; init; }

    public bool Https { get; init; }

    public bool WithSignIn { get; init; }

    public bool Yes { get; init; }

    /// <summary>Settings besides those of the person's environment, which they override.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <inheritdoc cref="StackOptions.Only"/>
    public IReadOnlyCollection<string>? Only { get; init; }
}

/// <summary><c>homestage up</c>: the whole system on this machine until Ctrl-C.</summary>
internal static class UpCommand
{
    public static async Task<int> RunAsync(UpOptions options, IAnsiConsole console, CancellationToken stop)
    {
        await Requirements.EnsureAsync(options.WithSignIn ? [.. Requirement.ToRun, .. Requirement.ToSignIn] : Requirement.ToRun, options.Yes, console, stop);
        if (options.WithSignIn)
            await NodePackages.EnsureAsync(Path.GetDirectoryName(Programs.SignInScript)!, stop);
        foreach (var port in options.Ports)
            HeldFolder.RequireFree(port);
        await using var held = await HeldFolder.TakeAsync(new DataFolder(options.Data), options.Fresh, stop);
        try
        {
            await using var stack = await StartAsync(held.Data, options, console, stop);
            RunFile.WriteReady(held.Data);
            Show(stack, held.Data, console);
            await new Supervisor(line => console.MarkupLineInterpolated($"[yellow]{line}[/]"), TimeProvider.System).WatchAsync(stack, stop);
            console.MarkupLine("Stopping: gateway, workers, services, servers…");
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Asked to stop while it was still starting: what had started is stopped by now.
        }
        console.MarkupLine("Stopped; nothing is left running.");
        return 0;
    }

    /// <summary>Starts the system and says what it is doing meanwhile.</summary>
    public static Task<Stack> StartAsync(DataFolder data, UpOptions options, IAnsiConsole console, CancellationToken stop) =>
        Progress.ShowAsync(console, "Starting", report => Stack.StartAsync(new()
        {
            Data = data,
            Ports = options.Ports,
            Workers = options.Workers,
            Https = options.Https,
            WithSignIn = options.WithSignIn,
            Given = PersonsEnvironment().Where(setting => !options.Settings.ContainsKey(setting.Key)).Concat(options.Settings)
                .ToDictionary(setting => setting.Key, setting => setting.Value, StringComparer.Ordinal),
            Only = options.Only,
        }, report, stop));

    private static void Show(Stack stack, DataFolder data, IAnsiConsole console)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("what", "where", "");
        foreach (var process in stack.Deployment.Services.Concat(stack.Deployment.Simulators))
            table.AddRow(new Text(process.Name), new Text(process.Shown!.Value.Address), new Text(process.Shown.Value.Note));
        table.AddRow("RabbitMQ", stack.Servers.Facts.RabbitMq!.Management.GetLeftPart(UriPartial.Authority), "its management page (user and password in env)");
        console.Write(table);
        if (!stack.Deployment.Providers.OpenAiIsSimulated)
            console.MarkupLine("[yellow]OpenAI is real: every picture costs money.[/]");
        if (!stack.Deployment.Providers.StripeIsSimulated)
            console.MarkupLineInterpolated($"[yellow]Stripe is real: let it deliver webhooks to {stack.Deployment.PublicUrl}/webhooks/stripe (the Stripe CLI can forward them).[/]");
        console.MarkupLineInterpolated($"Settings and secrets: {data.EnvFile}   logs: {data.Logs}");
        console.MarkupLineInterpolated($"Open [bold]{stack.Deployment.PublicUrl}[/], or run [bold]./homestage demo[/]. Stop with Ctrl-C or [bold]./homestage down[/].");
    }

    private static Dictionary<string, string> PersonsEnvironment() => Environment.GetEnvironmentVariables()
        .Cast<DictionaryEntry>()
        .Where(variable => variable.Value is string { Length: > 0 })
        .ToDictionary(variable => (string)variable.Key, variable => (string)variable.Value!, StringComparer.Ordinal);
}
