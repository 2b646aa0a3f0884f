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
    public void No_two_deployments_share_a_secret()
    {
        var (one, other) = (Create(simulated: false), Create(simulated: false));

        one.Where(file => file.Value.Length > 0 && other[file.Key] == file.Value).ShouldBeEmpty();
    }

    private static string Password(string connection) => new Npgsql.NpgsqlConnectionStringBuilder(connection).Password!;

    private static IReadOnlyDictionary<string, string> Create(bool simulated) => SecretFiles.Create(new SecretsInput
    {
        Seed = DevelopmentSeed.Create(),
        Host = "homestage.example",
        Given = new Dictionary<string, string>(StringComparer.Ordinal),
        Simulated = simulated,
        Now = TimeProvider.System.GetUtcNow(),
    });

    private async Task<(int Code, string Output)> InitAsync(params string[] more) =>
        await CommandTests.RunAsync(["secrets", "init", .. more.Contains("--out") ? [] : (string[])["--out", _folder], .. more]);
}
