using System.Text.RegularExpressions;
using HomeStage.Testing;
using HomeStage.Tool.Processes;
using HomeStage.Tool.Servers;
using Npgsql;
using Shouldly;
using Xunit;

namespace HomeStage.Tool.Tests;

public sealed class LocalServersTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Servers_answer_when_started_and_leave_no_process_when_stopped()
    {
        var servers = await LocalServers.StartAsync(new() { Folder = _folder.FullPath }, TestContext.Current.CancellationToken);
        ProcessesWith(_folder.FullPath).ShouldNotBeEmpty();

        await servers.StopAsync();

        await Eventually.Async(() => ProcessesWith(_folder.FullPath).Count == 0, "no process works in the folder");
        servers.All.ShouldAllBe(server => !server.IsRunning);
    }

    [Fact]
    public async Task Postgres_keeps_its_data_when_killed_and_started_again()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var servers = await LocalServers.StartAsync(Only(postgres: true), cancel);
        await RunAsync(servers, "create table kept (id int)");

        await servers.Postgres!.KillAsync();
        await Should.ThrowAsync<NpgsqlException>(() => RunAsync(servers, "select 1"));
        await servers.Postgres.StartAgainAsync(cancel);

        await RunAsync(servers, "select id from kept");
    }

    [Fact]
    public async Task A_frozen_server_accepts_but_does_not_answer_until_thawed()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var servers = await LocalServers.StartAsync(Only(postgres: true), cancel);

        servers.Postgres!.Freeze();
        var hang = await Should.ThrowAsync<NpgsqlException>(() => RunAsync(servers, "select 1", "Timeout=1"));
        servers.Postgres.Thaw();

        hang.InnerException.ShouldBeOfType<TimeoutException>();
        await RunAsync(servers, "select 1");
    }

    [Fact]
    public async Task A_tool_that_is_killed_leaves_nothing_running()
    {
        var data = _folder.File("data");
        var tool = await ChildProcess.StartAsync(new("up", "dotnet", [typeof(LocalServers).Assembly.Location, "up", "--data", data, "--port", $"{FreePorts.Next()}"])
        {
            LogFile = _folder.File("up.log"),
        });
        await Eventually.Async(() => File.ReadAllText(Path.Combine(data, "processes")).Contains("rabbitmq"), "the servers have been started");

        Signals.Send(tool.Id, Signal.Kill);

        await Eventually.Async(() => ProcessesWith(data).Count == 0, "no process works in the folder");
    }

    [Fact]
    public async Task What_a_tool_began_to_start_when_it_was_killed_does_not_run()
    {
        var data = _folder.File("data");
        // Holds the broker up on its way until the tool is gone.
        var path = _folder.File("path");
        Directory.CreateDirectory(path);
        var held = Path.Combine(path, "setsid");
        await File.WriteAllTextAsync(held, """
            #!/bin/sh
            case "$*" in *rabbitmq-server*) while [ -d "/proc/$PPID" ]; do sleep 0.05; done ;; esac
            exec /usr/bin/setsid "$@"
            """);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(held, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var tool = await ChildProcess.StartAsync(new("up", "dotnet", [typeof(LocalServers).Assembly.Location, "up", "--data", data, "--port", $"{FreePorts.Next()}"])
        {
            LogFile = _folder.File("up.log"),
            Environment = new Dictionary<string, string> { ["PATH"] = $"{path}:{Environment.GetEnvironmentVariable("PATH")}" },
        });
        await Eventually.Async(() => File.ReadAllText(Path.Combine(data, "processes")).Contains("rabbitmq"), "the tool has begun to start the broker");

        Signals.Send(tool.Id, Signal.Kill);

        await Eventually.Async(() => ProcessesWith(data).Count == 0, "no process works in the folder");
    }

    [Fact]
    public void A_broker_user_cannot_publish_the_messages_of_another()
    {
        var worker = BrokerPermissions.Of("staging-worker");

        Matches(worker.Write, "HomeStage.Contracts:RoomStaged").ShouldBeTrue();
        Matches(worker.Write, "HomeStage.Contracts:PaymentCompleted").ShouldBeFalse();
        Matches(worker.Write, "staging-worker.stage-room_error").ShouldBeTrue();
        Matches(worker.Read, "staging-api.room-staged").ShouldBeFalse();
        Matches(worker.Configure, "staging-api.room-staged").ShouldBeFalse();
    }

    private static bool Matches(string expression, string name) =>
        Regex.IsMatch(name, expression, RegexOptions.None, TimeSpan.FromSeconds(1));

    private LocalServersOptions Only(bool postgres = false) => new() { Folder = _folder.FullPath, Postgres = postgres, RabbitMq = false, Redis = false };

    private static async Task RunAsync(LocalServers servers, string statement, string settings = "")
    {
        await using var connection = new NpgsqlConnection($"{servers.Facts.Postgres!.AdminConnection()};Pooling=false;{settings}");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(statement, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static List<string> ProcessesWith(string text) => [.. Directory.EnumerateDirectories("/proc")
        .Where(folder => int.TryParse(Path.GetFileName(folder), out var id) && ProcessTable.StartTimeOf(id) is not null)
        .Select(folder => Read(Path.Combine(folder, "cmdline")) + Read(Path.Combine(folder, "environ")))
        .Where(process => process.Contains(text, StringComparison.Ordinal))];

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
