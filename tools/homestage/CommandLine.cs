using System.CommandLine;
using HomeStage.Tool.Bench;
using HomeStage.Tool.Chaos;
using HomeStage.Tool.Demo;
using HomeStage.Tool.Deployments;
using HomeStage.Tool.Observe;
using HomeStage.Tool.OpenApi;
using HomeStage.Tool.Secrets;
using HomeStage.Tool.Support;
using HomeStage.Tool.Test;
using HomeStage.Tool.Up;
using Spectre.Console;

namespace HomeStage.Tool;

/// <summary>The commands and their options.</summary>
internal static class CommandLine
{
    private const int PlainWidth = 200;

    public static Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("HomeStage on this machine: the whole system, a demonstration, the tests.")
        {
            Up(),
            Down(),
            Demo(),
            Test(),
            Chaos(),
            SupportCommand.Create(RunAsync),
            Bench(),
            OpenApi(),
            Generate(),
            SecretsCommand.Create(RunAsync),
            BarePeer(BareProxy.Command, "The proxy that 'bench gateway' compares with.", BareProxy.RunAsync),
            BarePeer(BareWebhook.Command, "The endpoint that 'bench webhook' compares with.", BareWebhook.RunAsync),
        };
        // Ctrl-C is the commands' own: they stop things in order, however long that takes.
        return root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
    }

    private static Command Up()
    {
        var (port, data, yes) = (Port(), Data(), Yes());
        var workers = Between(new Option<int>("--workers") { Description = "How many staging workers.", DefaultValueFactory = _ => 1 }, 1, 32);
        var replicas = Between(new Option<int>("--replicas") { Description = "How many of every other service; the gateways on consecutive ports.", DefaultValueFactory = _ => 1 }, 1, 8);
        var fresh = new Option<bool>("--fresh") { Description = "Forget the data folder's content first." };
        var https = new Option<bool>("--https") { Description = "Serve HTTPS with a generated certificate." };
        var signIn = new Option<bool>("--with-sign-in") { Description = "Run an OpenID Connect provider beside, where any name signs in." };
        var command = new Command("up", "Runs everything until Ctrl-C.") { port, workers, replicas, data, fresh, https, signIn, yes };
        command.SetAction(parsed => RunAsync((console, stop) => UpCommand.RunAsync(new()
        {
            Port = parsed.GetValue(port) ?? UpOptions.DefaultPort,
            Workers = parsed.GetValue(workers),
            Replicas = parsed.GetValue(replicas),
            Data = parsed.GetValue(data)!,
            Fresh = parsed.GetValue(fresh),
            Https = parsed.GetValue(https),
            WithSignIn = parsed.GetValue(signIn),
            Yes = parsed.GetValue(yes),
        }, console, stop)));
        return command;
    }

    private static Command Down()
    {
        var data = Data();
        var command = new Command("down", "Stops the 'up' of a data folder, or what a killed one left.") { data };
        command.SetAction(parsed => RunAsync((console, stop) => DownCommand.RunAsync(parsed.GetValue(data)!, console, stop)));
        return command;
    }

    private static Command Demo()
    {
        var (port, data, yes) = (Port(), Data(), Yes());
        var photo = new Argument<string?>("photo") { Description = "A photograph of an empty room: JPEG, PNG or WebP.", Arity = ArgumentArity.ZeroOrOne };
        var room = new Option<string>("--room") { Description = "The kind of room, as GET /api/v1/catalog lists them.", DefaultValueFactory = _ => "living_room" };
        var style = new Option<string>("--style") { Description = "The style of the furniture, as GET /api/v1/catalog lists them.", DefaultValueFactory = _ => "scandinavian" };
        var variations = Between(new Option<int>("--variations") { Description = "Pictures of the same photo in another style that follow the first.", DefaultValueFactory = _ => 2 }, 0, 4);
        var output = new Option<string>("--out") { Description = "Where the pictures go.", DefaultValueFactory = _ => "." };
        var url = new Option<string?>("--url") { Description = "Use the system at this address instead, e.g. https://localhost:8443." };
        var certificate = new Option<string?>("--certificate") { Description = "With --url: a PEM file with the certificate to trust there." };
        var command = new Command("demo", "Stages a photo as a customer would: session, credits, photo, live progress, pictures, a page beside the original, variations.") { photo, room, style, variations, output, url, certificate, port, data, yes };
        command.SetAction(parsed => RunAsync((console, stop) => DemoCommand.RunAsync(new()
        {
            Photo = parsed.GetValue(photo) ?? Path.Combine(SourceTree.Root, "samples", "empty-room.jpg"),
            Room = parsed.GetValue(room)!,
            Style = parsed.GetValue(style)!,
            Variations = parsed.GetValue(variations),
            Output = parsed.GetValue(output)!,
            Url = parsed.GetValue(url),
            Certificate = parsed.GetValue(certificate),
            Port = parsed.GetValue(port),
            Data = parsed.GetValue(data)!,
            Yes = parsed.GetValue(yes),
        }, console, stop)));
        return command;
    }

    private static Command Test()
    {
        var yes = Yes();
        var filter = new Option<string?>("--filter") { Description = "Only the tests whose full name contains this." };
        var command = new Command("test", "Runs every test; the last line says how many passed and failed.") { filter, yes };
        command.SetAction(parsed => RunAsync((console, stop) => TestCommand.RunAsync(new(parsed.GetValue(filter), parsed.GetValue(yes)), console, stop)));
        return command;
    }

    private static Command Chaos()
    {
        var yes = Yes();
        var filter = new Option<string?>("--filter") { Description = "Only the tests whose full name contains this." };
        var command = new Command("chaos", "Every permutation of a payment's events; kills, freezes and restarts of every part at every step of a job's life. Takes about an hour.") { filter, yes };
        command.SetAction(parsed => RunAsync((console, stop) => ChaosCommand.RunAsync(new(parsed.GetValue(filter), parsed.GetValue(yes)), console, stop)));
        return command;
    }

    private static Command Bench()
    {
        var command = new Command("bench", "Measures a part of the system against its bars; exit 1 if one is missed.");
        foreach (var (name, what) in BenchCommand.Names)
        {
            var yes = Yes();
            var seconds = Between(new Option<int>("--seconds") { Description = "How long each measurement lasts.", DefaultValueFactory = _ => 10 }, 1, 600);
            var json = new Option<bool>("--json") { Description = "Print the figures as JSON." };
            var one = new Command(name, $"Measures {what}.") { seconds, json, yes };
            one.SetAction(parsed => RunAsync((console, stop) =>
                BenchCommand.RunAsync(new(name, parsed.GetValue(seconds), parsed.GetValue(json), parsed.GetValue(yes)), console, stop)));
            command.Add(one);
        }

        return command;
    }

    private static Command OpenApi()
    {
        var command = new Command("openapi", "Writes the API document as the services are now.");
        command.SetAction(_ => RunAsync(OpenApiCommand.RunAsync));
        return command;
    }

    private static Command Generate()
    {
        var command = new Command("generate", "Writes what follows from the code: the reference of metrics and the dashboards.");
        command.SetAction(_ => RunAsync(GenerateCommand.RunAsync));
        return command;
    }

    private static Command BarePeer(string name, string description, Func<Task<int>> run)
    {
        var command = new Command(name, description) { Hidden = true };
        command.SetAction(_ => run());
        return command;
    }

    private static async Task<int> RunAsync(Func<IAnsiConsole, CancellationToken, Task<int>> command)
    {
        using var stop = new StopRequest();
        try
        {
            return await command(Terminal(), stop.Token);
        }
        catch (ToolException failure)
        {
            await Console.Error.WriteLineAsync(failure.Message);
            return 1;
        }
        catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("Stopped.");
            return 1;
        }
    }

    /// <summary>Colours and spinners are for a terminal; what goes to a file or a pipe is plain text in lines of any length.</summary>
    private static IAnsiConsole Terminal()
    {
        if (!Console.IsOutputRedirected)
            return AnsiConsole.Console;
        var console = AnsiConsole.Create(new() { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Interactive = InteractionSupport.No });
        console.Profile.Width = PlainWidth;
        return console;
    }

    private static Option<int?> Port() => Between(new Option<int?>("--port") { Description = $"The port of the page and the API ({UpOptions.DefaultPort} if not said)." }, 1, 65_535);

    private static Option<string> Data() => new("--data")
    {
        Description = "The folder for databases, secrets and logs.",
        DefaultValueFactory = _ => DataFolder.Default,
    };

    private static Option<bool> Yes() => new("--yes", "-y") { Description = "Install what is missing without asking." };

    private static Option<T> Between<T>(Option<T> option, int least, int most)
    {
        option.Validators.Add(result =>
        {
            if (result.GetValue(option) is int value && (value < least || value > most))
                result.AddError($"{option.Name} must be from {least} to {most}.");
        });
        return option;
    }
}
