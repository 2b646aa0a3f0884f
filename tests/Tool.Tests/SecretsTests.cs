using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using HomeStage.Tool.Secrets;
using HomeStage.Tool.Servers;
using Shouldly;
using Xunit;

namespace HomeStage.Tool.Tests;

/// <summary>The secrets of a deployment in containers.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class SecretsTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"homestage-secrets-{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Only_the_owner_writes_and_the_containers_group_reads()
    {
        (await InitAsync()).Code.ShouldBe(0);

        foreach (var file in Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories))
            File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, file);
        foreach (var folder in Directory.EnumerateDirectories(_folder, "*", SearchOption.AllDirectories).Append(_folder))
            (File.GetUnixFileMode(folder) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute | UnixFileMode.GroupWrite)).ShouldBe(UnixFileMode.None, folder);
    }

    [Fact]
    public async Task Secrets_that_are_there_are_never_replaced()
    {
        await InitAsync();
        var before = await File.ReadAllTextAsync(Path.Combine(_folder, "redis", "redis.conf"), TestContext.Current.CancellationToken);

        var (code, output) = await InitAsync();

        code.ShouldBe(1);
        output.ShouldContain("is there already");
        (await File.ReadAllTextAsync(Path.Combine(_folder, "redis", "redis.conf"), TestContext.Current.CancellationToken)).ShouldBe(before);
    }

    [Fact]
    public async Task Keys_that_only_the_providers_can_give_are_asked_for()
    {
        var (_, output) = await InitAsync();

        foreach (var setting in SecretFiles.OfProviders.Values.SelectMany(settings => settings))
            output.ShouldContain($"write your {setting} into");
        output.ShouldNotContain("BLOBS_S3");
        (await InitAsync("--bucket", "--out", _folder + "/bucket")).Output.ShouldContain("write your BLOBS_S3_SECRET_KEY into");
        (await InitAsync("--simulators", "--out", _folder + "/simulated")).Output.ShouldNotContain("Still to do");
    }

    [Fact]
    public void What_two_sides_must_share_is_the_same_on_both()
    {
        var files = Create(simulated: true);

        var broker = JsonNode.Parse(files["rabbitmq/definitions.json"])!;
        broker["users"]!.AsArray().Select(user => (string)user!["name"]!).ShouldBe([.. BrokerPermissions.Users, RabbitMqFacts.Admin], ignoreOrder: true);
        foreach (var service in (string[])["billing", "entitlements", "staging-api"])
        {
            Password(files[$"{service}/database-connection"]).ShouldSatisfyAllConditions(
                password => files["postgres/roles.sql"].ShouldContain($"_app login nosuperuser nocreatedb nocreaterole password '{password}'"),
                password => files[$"migrate/{service}/migrate-database-connection"].ShouldNotContain(password));
            files["postgres/roles.sql"].ShouldContain($"_ddl login nosuperuser nocreatedb nocreaterole password '{Password(files[$"migrate/{service}/migrate-database-connection"])}'");
        }

        files["redis/redis.conf"].ShouldContain("requirepass " + files["gateway/redis-connection"].Split("password=")[1] + "\n");
        files["simulators/stripe-webhook-secret"].ShouldBe(files["billing/stripe-webhook-secret"]);
        files["simulators/tls-cert"].ShouldBe(files["gateway/tls-cert"]);
    }

    [Fact]
    public void Servers_elsewhere_are_spoken_to_through_TLS_and_verified()
    {
        var files = SecretFiles.Create(Input(simulated: false) with { Postgres = "db.example", RabbitMq = "mq.example", Redis = "cache.example:6380", Tls = true });

        foreach (var file in files.Where(file => file.Key.EndsWith("database-connection", StringComparison.Ordinal)))
            new Npgsql.NpgsqlConnectionStringBuilder(file.Value).ShouldSatisfyAllConditions(to => to.Host.ShouldBe("db.example"), to => to.SslMode.ShouldBe(Npgsql.SslMode.VerifyFull));
        foreach (var file in files.Where(file => file.Key.EndsWith("rabbitmq-url", StringComparison.Ordinal) || file.Key.EndsWith("broker-url", StringComparison.Ordinal)))
            new Uri(file.Value).ShouldSatisfyAllConditions(to => to.Scheme.ShouldBe("amqps"), to => to.Authority.ShouldBe("mq.example:5671"));
        foreach (var file in files.Where(file => file.Key.EndsWith("redis-connection", StringComparison.Ordinal)))
            file.Value.ShouldStartWith("cache.example:6380,ssl=true,");
        new Uri(files["keda/host"]).ShouldSatisfyAllConditions(to => to.Scheme.ShouldBe("https"), to => to.Port.ShouldBe(15671));
    }

    [Fact]
    public async Task An_administrator_who_is_no_superuser_can_make_roles_and_databases()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var servers = await LocalServers.StartAsync(new() { Folder = _folder, Postgres = true, RabbitMq = false, Redis = false }, cancel);
        var server = servers.Facts.Postgres!;
        await RunAsync(server.AdminConnection(), "create role manager login createdb createrole password 'manager'");

        // As psql does, which alone knows \connect.
        var database = "postgres";
        foreach (var part in ("\\connect postgres\n" + Create(simulated: false)["postgres/roles.sql"]).Split("\\connect ")[1..])
        {
            (database, var script) = part.Split('\n', 2) is [var name, var rest] ? (name, rest) : (database, part);
            foreach (var statement in script.Split(";\n", StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
                await RunAsync(server.Connection(database, "manager", "manager"), statement);
        }

        await RunAsync(server.AdminConnection("billing"), "do $$ begin assert (select nspowner::regrole::text from pg_namespace where nspname = 'public') = 'billing_ddl'; end $$");
    }

    [Fact]
    public void No_two_deployments_share_a_secret()
    {
        var (one, other) = (Create(simulated: false), Create(simulated: false));

        one.Where(file => file.Value.Length > 0 && other[file.Key] == file.Value).ShouldBeEmpty();
    }

    private static string Password(string connection) => new Npgsql.NpgsqlConnectionStringBuilder(connection).Password!;

    private static IReadOnlyDictionary<string, string> Create(bool simulated) => SecretFiles.Create(Input(simulated));

    private static SecretsInput Input(bool simulated) => new()
    {
        Seed = DevelopmentSeed.Create(),
        Host = "homestage.example",
        Given = new Dictionary<string, string>(StringComparer.Ordinal),
        Simulated = simulated,
        Now = TimeProvider.System.GetUtcNow(),
    };

    private static async Task RunAsync(string connection, string statement)
    {
        await using var database = Npgsql.NpgsqlDataSource.Create(connection + ";Pooling=false");
        await using var command = database.CreateCommand(statement);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private async Task<(int Code, string Output)> InitAsync(params string[] more) =>
        await CommandTests.RunAsync(["secrets", "init", .. more.Contains("--out") ? [] : (string[])["--out", _folder], .. more]);
}
