using System.CommandLine;
using System.Globalization;
using HomeStage.Tool.Servers;
using Spectre.Console;

namespace HomeStage.Tool.Secrets;

/// <summary><c>homestage secrets init</c>: writes the secret files of a deployment in containers, once.</summary>
internal static class SecretsCommand
{
    /// <summary>The user and the group that our containers run as.</summary>
    public const int ContainerId = 10001;

    private const UnixFileMode FolderMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;

    private const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    public static Command Create(Func<Func<IAnsiConsole, CancellationToken, Task<int>>, Task<int>> run)
    {
        var folder = new Option<string>("--out")
        {
            Description = "The folder for the files; must not be there yet.",
            DefaultValueFactory = _ => Path.Combine(SourceTree.Root, "deploy", "secrets"),
        };
        var host = new Option<string>("--host") { Description = "The name that people will use, for the first certificate.", DefaultValueFactory = _ => "localhost" };
        var simulated = new Option<bool>("--simulators") { Description = "Make up keys for the simulators where the environment has none of OpenAI and Stripe." };
        var tls = new Option<bool>("--tls") { Description = "Speak TLS to the three servers and verify their names: amqps at 5671, SSL Mode=VerifyFull, ssl=true." };
        var bucket = new Option<bool>("--bucket") { Description = "Pictures are in a bucket: files for BLOBS_S3_ACCESS_KEY and BLOBS_S3_SECRET_KEY, too." };
        var (postgres, rabbitMq, redis) = (Server("postgres", "PostgreSQL"), Server("rabbitmq", "RabbitMQ"), Server("redis", "Redis"));
        var init = new Command("init", "Writes a new deployment's secrets: passwords, keys, a first certificate.") { folder, host, postgres, rabbitMq, redis, tls, bucket, simulated };
        init.SetAction(parsed => run((console, stop) => InitAsync(
            parsed.GetValue(folder)!,
            new SecretsInput
            {
                Seed = DevelopmentSeed.Create(),
                Host = parsed.GetValue(host)!,
                Postgres = parsed.GetValue(postgres)!,
                RabbitMq = parsed.GetValue(rabbitMq)!,
                Redis = parsed.GetValue(redis)!,
                Tls = parsed.GetValue(tls),
                Bucket = parsed.GetValue(bucket),
                Given = Given(),
                Simulated = parsed.GetValue(simulated),
                Now = TimeProvider.System.GetUtcNow(),
            },
            console,
            stop)));
        return new Command("secrets", "The secrets of a deployment in containers.") { init };
    }

    private static Option<string> Server(string name, string what) =>
        new("--" + name) { Description = $"Where {what} is found by the services: a name, or name:port.", DefaultValueFactory = _ => name };

    private static Dictionary<string, string> Given() => SecretFiles.Given(bucket: true).Select(given => given.Setting).Distinct(StringComparer.Ordinal)
        .Select(setting => (Setting: setting, Value: Environment.GetEnvironmentVariable(setting))).Where(given => given.Value is { Length: > 0 })
        .ToDictionary(given => given.Setting, given => given.Value!, StringComparer.Ordinal);

    private static async Task<int> InitAsync(string path, SecretsInput input, IAnsiConsole console, CancellationToken stop)
    {
        var folder = Path.GetFullPath(path);
        if (Directory.Exists(folder))
            throw new ToolException($"{folder} is there already. Its secrets open the data that is stored with them: keep them, or move the folder away first.");
        var files = SecretFiles.Create(input);
        await WriteAsync(folder, files, stop);

        console.WriteLine($"{files.Count} files in {folder}. Back them up where secrets belong; they are not in git.");
        foreach (var (service, setting) in SecretFiles.Given(input.Bucket).Where(given => files[SecretFiles.Of(given.Service, given.Setting)].Length == 0))
            console.WriteLine($"Still to do: write your {setting} into {Path.Combine(folder, SecretFiles.Of(service, setting))}");

        if (!ServerAccount.IsRoot)
            console.WriteLine($"The containers read them by your group: set HOMESTAGE_GID={await GroupAsync(stop)} in deploy/.env.");
        return 0;
    }

    /// <summary>All files or none: whoever finds the folder finds it whole.</summary>
    private static async Task WriteAsync(string folder, IReadOnlyDictionary<string, string> files, CancellationToken stop)
    {
        if (OperatingSystem.IsWindows())
            throw new ToolException("The files' rights are those of Linux: run this where the containers run.");
        var next = folder + ".next";
        if (Directory.Exists(next))
            Directory.Delete(next, recursive: true);
        Directory.CreateDirectory(next, FolderMode);
        foreach (var (path, content) in files)
        {
            var file = Path.Combine(next, path);
            // One after the other: a folder above that is made on the way has the rights of any folder.
            for (var end = path.IndexOf('/', StringComparison.Ordinal); end > 0; end = path.IndexOf('/', end + 1))
                Directory.CreateDirectory(Path.Combine(next, path[..end]), FolderMode);
            PrivateFile.Write(file, content);
            File.SetUnixFileMode(file, FileMode);
        }

        if (ServerAccount.IsRoot)
            await OutputAsync("chgrp", ["-R", ContainerId.ToString(CultureInfo.InvariantCulture), next], stop);
        Directory.Move(next, folder);
    }

    private static async Task<string> GroupAsync(CancellationToken stop) => (await OutputAsync("id", ["-g"], stop)).Trim();

    private static async Task<string> OutputAsync(string program, string[] arguments, CancellationToken stop)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var output = await process.StandardOutput.ReadToEndAsync(stop);
        await process.WaitForExitAsync(stop);
        return process.ExitCode == 0 ? output : throw new ToolException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
    }
}
