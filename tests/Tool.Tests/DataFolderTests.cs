using System.Globalization;
using HomeStage.Testing;
using HomeStage.Tool.Deployments;
using HomeStage.Tool.Processes;
using HomeStage.Tool.Servers;
using HomeStage.Tool.Up;
using Shouldly;
using Xunit;

namespace HomeStage.Tool.Tests;

public sealed class DataFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private DataFolder Data => new(_folder.FullPath);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_second_up_on_the_same_folder_is_refused_and_told_who_has_it()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var first = await HeldFolder.TakeAsync(Data, fresh: false, cancel);

        var refusal = await Should.ThrowAsync<ToolException>(() => HeldFolder.TakeAsync(Data, fresh: false, cancel));

        refusal.Message.ShouldContain($"process {Environment.ProcessId}");
        refusal.Message.ShouldContain("homestage down");
    }

    [Fact]
    public async Task The_folder_can_be_taken_again_once_it_was_let_go()
    {
        var cancel = TestContext.Current.CancellationToken;
        await (await HeldFolder.TakeAsync(Data, fresh: false, cancel)).DisposeAsync();

        await using var second = await HeldFolder.TakeAsync(Data, fresh: false, cancel);

        RunFile.Find(Data).ShouldNotBeNull().IsReady.ShouldBeFalse();
        RunFile.WriteReady(Data);
        RunFile.Find(Data).ShouldNotBeNull().IsReady.ShouldBeTrue();
    }

    [Fact]
    public async Task A_port_in_use_is_refused_in_one_sentence()
    {
        await using var server = await LocalServers.StartAsync(
            new() { Folder = _folder.FullPath, Postgres = false, RabbitMq = false }, TestContext.Current.CancellationToken);

        var refusal = Should.Throw<ToolException>(() => HeldFolder.RequireFree(server.Facts.Redis!.Port));

        refusal.Message.ShouldContain("--port");
    }

    [Fact]
    public void A_folder_with_data_but_without_its_seed_is_damaged()
    {
        Data.Seed();
        Directory.CreateDirectory(Data.Servers);
        File.Delete(Data.SeedFile);

        Should.Throw<ToolException>(() => Data.Seed()).Message.ShouldContain("damaged");
    }

    [Fact]
    public async Task A_database_folder_without_its_version_file_is_damaged()
    {
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(_folder.File("postgres")).FullName, "base"), "");

        var refusal = await Should.ThrowAsync<ToolException>(() => LocalServers.StartAsync(
            new() { Folder = _folder.FullPath, RabbitMq = false, Redis = false }, TestContext.Current.CancellationToken));

        refusal.Message.ShouldContain("PG_VERSION is missing");
        refusal.Message.ShouldContain("--fresh");
    }

    [Theory]
    [InlineData("")]
    [InlineData("not a setting\n")]
    [InlineData("OTHER=1\n")]
    [InlineData("PUBLIC_URL=a\nPUBLIC_URL=b\n")]
    public void An_env_file_that_is_not_ours_is_damage(string content)
    {
        File.WriteAllText(Data.EnvFile, content);

        Should.Throw<ToolException>(() => EnvFile.Read(Data.EnvFile)).Message.ShouldContain("damaged");
    }

    [Fact]
    public void Files_with_secrets_are_their_owners_alone()
    {
        PrivateFile.Write(Data.EnvFile, "PUBLIC_URL=http://localhost:1\n");
        Data.Seed();
        IdentityKeys.Ensure(Data.IdentityKeys);
        CookieKeys.Ensure(Data.CookieKeys);

        foreach (var file in (string[])[Data.EnvFile, Data.SeedFile, IdentityKeys.KeyFile(Data.IdentityKeys, "gateway"), .. Directory.GetFiles(Data.CookieKeys)])
            new FileInfo(file).UnixFileMode.ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite, file);
    }

    [Fact]
    public void Each_service_knows_the_public_keys_of_its_callers_and_no_others()
    {
        IdentityKeys.Ensure(Data.IdentityKeys);

        Callers("billing").ShouldBe(["entitlements.pem", "gateway.pem"]);
        Callers("entitlements").ShouldBe(["gateway.pem", "staging-api.pem"]);
        Callers("staging-api").ShouldBe(["gateway.pem", "staging-worker.pem"]);
        Callers("staging-worker").ShouldBeEmpty();
        File.ReadAllText(Path.Combine(IdentityKeys.CallersFolder(Data.IdentityKeys, "billing"), "gateway.pem")).ShouldStartWith("-----BEGIN PUBLIC KEY-----");

        IEnumerable<string> Callers(string service) => Directory.GetFiles(IdentityKeys.CallersFolder(Data.IdentityKeys, service)).Select(file => Path.GetFileName(file)).Order();
    }

    [Fact]
    public void As_root_in_a_private_folder_the_servers_data_lies_where_their_accounts_can_reach_it()
    {
        Data.ServersFolder(isRoot: true, canBeReached: false).ShouldStartWith("/var/lib/homestage/");
        Data.ServersFolder(isRoot: true, canBeReached: true).ShouldBe(_folder.File("servers"));
        Data.ServersFolder(isRoot: false, canBeReached: false).ShouldBe(_folder.File("servers"));
    }

    [Fact]
    public async Task What_a_dead_run_left_is_ended_by_the_next_one()
    {
        var cancel = TestContext.Current.CancellationToken;
        var left = await ChildProcess.StartAsync(new("sleeper", "sleep", ["600"]) { LogFile = _folder.File("sleeper.log") }, Data.Ledger);

        await using var held = await HeldFolder.TakeAsync(Data, fresh: false, cancel);

        (await left.Exited.WaitAsync(cancel)).ShouldBe(128 + (int)Signal.Term);
    }

    [Fact]
    public async Task What_the_parts_of_a_run_write_into_its_ledger_at_once_is_all_there()
    {
        var cancel = TestContext.Current.CancellationToken;
        var processes = await Task.WhenAll(Enumerable.Range(0, 6).Select(number =>
            ChildProcess.StartAsync(new("sleeper", "sleep", ["600"]) { LogFile = _folder.File($"sleeper-{number}.log") })));

        await Task.WhenAll(processes.Select(process => Task.Run(() =>
        {
            var ledger = Data.Ledger;
            for (var round = 0; round < 200; round++)
            {
                ledger.Remove(process.Id);
                ledger.Add(process.Id, "sleeper");
            }
        }, cancel)));

        File.ReadLines(Data.LedgerFile).Select(line => int.Parse(line.Split(' ')[0], CultureInfo.InvariantCulture))
            .ShouldBe(processes.Select(process => process.Id), ignoreOrder: true);
        (await Data.Ledger.EndLeftoversAsync(cancel)).Count.ShouldBe(processes.Length);
    }

    [Fact]
    public async Task A_process_id_that_was_given_to_another_process_is_left_alone()
    {
        var cancel = TestContext.Current.CancellationToken;
        var other = await ChildProcess.StartAsync(new("sleeper", "sleep", ["600"]) { LogFile = _folder.File("sleeper.log") });
        File.WriteAllText(Data.LedgerFile, $"{other.Id} 1 an-older-process\nhalf a li");

        (await Data.Ledger.EndLeftoversAsync(cancel)).ShouldBeEmpty();

        other.IsRunning.ShouldBeTrue();
        await other.KillAsync();
    }
}
