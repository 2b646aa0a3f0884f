using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using HomeStage.Hosting.Configuration;
using HomeStage.Hosting.Messaging;
using HomeStage.Hosting.Migrations;
using HomeStage.Hosting.Redis;
using HomeStage.Hosting.Tests.Messaging;
using HomeStage.Testing;
using HomeStage.Tool.Servers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using RabbitMQ.Client.Exceptions;

namespace HomeStage.Hosting.Tests;

/// <summary>PostgreSQL, RabbitMQ and Redis with certificates of an authority that the test made.</summary>
public sealed class TlsTests(TestServers servers) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Database_broker_and_Redis_are_spoken_to_through_TLS_whose_certificates_are_verified()
    {
        var (authority, certificate) = Authority("ours");
        var (another, _) = Authority("another");
        var local = await servers.StartWithTlsAsync(certificate);
        var (postgres, rabbitMq, redis) = (local.Facts.Postgres!, local.Facts.RabbitMq!, local.Facts.Redis!);
        await using var database = await TestDatabase.CreateAsync(postgres);
        await using var broker = await TestVirtualHost.CreateAsync(rabbitMq);
        Dictionary<string, string> Settings(string ca, string host = "localhost") => new(StringComparer.Ordinal)
        {
            ["DATABASE_CONNECTION"] = Encrypted(database.Connection, host),
            ["MIGRATE_DATABASE_CONNECTION"] = Encrypted(database.DdlConnection, host),
            ["MIGRATE_APP_ROLE"] = database.AppRole,
            ["RABBITMQ_URL"] = Encrypted(broker.Url("billing"), host, rabbitMq),
            ["MIGRATE_RABBITMQ_URL"] = Encrypted(broker.MigrateUrl, host, rabbitMq),
            ["REDIS_CONNECTION"] = $"{host}:{redis.TlsPort},ssl=true,password={redis.Password}",
            ["REDIS_TIMEOUT_MS"] = "5000",
            ["TRUSTED_CA_FILE"] = ca,
        };

        await ServiceHost.MigrateAsync("billing", Settings(authority), Compose, TestContext.Current.CancellationToken);
        await using (var host = await TestHost.StartAsync(Compose, Settings(authority)))
        {
            var order = Guid.CreateVersion7();
            await EffectsService.WriteAsync(host.Services, order);
            await using var admin = NpgsqlDataSource.Create(database.AdminConnection);
            await Eventually.Async(async () => await CountAsync(admin, $"select count(*) from effects where id = '{order}'") == 1, "a message has made its way");
            (await CountAsync(admin, "select count(*) from pg_stat_activity a join pg_stat_ssl s using (pid) where a.application_name = 'billing' and not s.ssl")).ShouldBe(0);
            await Eventually.Async(() => PingAsync(host.Services), "Redis answers");
        }

        // An authority that did not sign, and a name that is not in the certificate.
        foreach (var wrong in (Dictionary<string, string>[])[Settings(another), Settings(authority, "127.0.0.1")])
        {
            (await Should.ThrowAsync<NpgsqlException>(() => ServiceHost.MigrateAsync("billing", wrong, Compose, TestContext.Current.CancellationToken)))
                .GetBaseException().ShouldBeOfType<System.Security.Authentication.AuthenticationException>();
            var settings = new Settings(new ConfigurationBuilder().AddInMemoryCollection(wrong!).Build(), production: true);
            await Should.ThrowAsync<BrokerUnreachableException>(() =>
                BrokerAddress.Read(settings, "RABBITMQ_URL").Factory("test").CreateConnectionAsync(TestContext.Current.CancellationToken));
            await using var host = await TestHost.StartAsync(service => service.AddRedis(), wrong);
            await Should.ThrowAsync<RedisUnavailableException>(() => PingAsync(host.Services));
        }
    }

    [Theory]
    [InlineData("SSL Mode=Require")]
    [InlineData("SSL Mode=VerifyCA")]
    public async Task Production_does_not_accept_encryption_to_whoever_it_may_be(string mode)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["DATABASE_CONNECTION"] = "Host=db;Username=app;Password=p;Database=billing;" + mode,
        };

        var refused = await Should.ThrowAsync<SettingsException>(() => TestHost.StartAsync(service => service.AddDatabase<EffectsDb>(), settings));

        refused.Message.ShouldContain("DATABASE_CONNECTION encrypts without verifying the server: use SSL Mode=VerifyFull");
    }

    [Fact]
    public async Task A_file_without_a_certificate_is_no_authority()
    {
        await File.WriteAllTextAsync(_folder.File("empty.pem"), "nothing", TestContext.Current.CancellationToken);
        foreach (var (file, problem) in (ReadOnlySpan<(string, string)>)[("empty.pem", "names a file without a certificate"), ("missing.pem", "names a file that cannot be read")])
        {
            var settings = new Settings(new ConfigurationBuilder().AddInMemoryCollection([new("TRUSTED_CA_FILE", _folder.File(file))]).Build(), production: true);
            TrustedAuthority.Read(settings).ShouldBeNull();
            Should.Throw<SettingsException>(settings.ThrowIfInvalid).Message.ShouldContain("TRUSTED_CA_FILE " + problem);
        }
    }

    private static void Compose(ServiceBuilder service)
    {
        EffectsService.Compose(service);
        service.AddRedis();
    }

    private static async Task<bool> PingAsync(IServiceProvider services) =>
        await services.GetRequiredService<RedisConnection>().RunAsync(redis => redis.StringSetAsync("tls", "yes"), TestContext.Current.CancellationToken);

    private static string Encrypted(string connection, string host) =>
        new NpgsqlConnectionStringBuilder(connection) { Host = host, SslMode = SslMode.VerifyFull }.ConnectionString;

    private static string Encrypted(string url, string host, RabbitMqFacts rabbitMq) =>
        new UriBuilder(url) { Scheme = "amqps", Host = host, Port = rabbitMq.TlsPort!.Value }.Uri.AbsoluteUri;

    private static async Task<long> CountAsync(NpgsqlDataSource admin, string sql)
    {
        await using var command = admin.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    /// <summary>An authority's file, and a certificate of its for <c>localhost</c>.</summary>
    private (string File, ServerCertificate Certificate) Authority(string name)
    {
        var now = DateTimeOffset.UtcNow;
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var rootRequest = new CertificateRequest($"CN={name}", rootKey, HashAlgorithmName.SHA256);
        rootRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        using var root = rootRequest.CreateSelfSigned(now.AddDays(-1), now.AddDays(2));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using var leaf = request.Create(root, now.AddDays(-1), now.AddDays(1), [1, 2, 3]);
        var file = _folder.File(name + ".pem");
        File.WriteAllText(file, root.ExportCertificatePem());
        return (file, new(leaf.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n"));
    }
}
