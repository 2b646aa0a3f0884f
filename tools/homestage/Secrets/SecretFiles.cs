using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using HomeStage.Tool.Deployments;
using HomeStage.Tool.Servers;

namespace HomeStage.Tool.Secrets;

/// <summary>What the secrets of a deployment are made from.</summary>
internal sealed record SecretsInput
{
    /// <summary>Everything random follows from it; it is kept nowhere.</summary>
    public required DevelopmentSeed Seed { get; init; }

    /// <summary>The name that people will use, for the certificate.</summary>
    public required string Host { get; init; }

    /// <summary>Where PostgreSQL, RabbitMQ and Redis are found by the services: a name, or a name and a port.</summary>
    public string Postgres { get; init; } = "postgres";

    /// <inheritdoc cref="Postgres"/>
    public string RabbitMq { get; init; } = "rabbitmq";

    /// <inheritdoc cref="Postgres"/>
    public string Redis { get; init; } = "redis";

    /// <summary>Whether the three are spoken to through TLS, their certificates and names verified.</summary>
    public bool Tls { get; init; }

    /// <summary>The providers' own keys by setting; a simulator's is made up where there is none.</summary>
    public required IReadOnlyDictionary<string, string> Given { get; init; }

    /// <summary>Whether pictures are in a bucket, whose keys are then among what is given.</summary>
    public bool Bucket { get; init; }

    /// <summary>Whether missing keys of providers are made up for the simulators, rather than left for a person to write.</summary>
    public bool Simulated { get; init; }

    public required DateTimeOffset Now { get; init; }
}

/// <summary>
/// The secret files of a deployment in containers: a folder for each container, with a file for each setting that it reads as
/// <c>NAME_FILE</c>, named after the setting in lower case. No container sees another's folder.
/// </summary>
internal static class SecretFiles
{
    /// <summary>Settings whose values only the providers can give, by service.</summary>
    public static IReadOnlyDictionary<string, string[]> OfProviders { get; } = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["billing"] = ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"],
        ["staging-worker"] = ["OPENAI_API_KEY"],
    };

    private static readonly string[] OfBucket = ["BLOBS_S3_ACCESS_KEY", "BLOBS_S3_SECRET_KEY"];

    private static readonly string[] WithBlobs = ["staging-api", "staging-worker"];

    private static readonly string[] WithRedis = ["gateway", "entitlements", "staging-api", "staging-worker"];

    /// <summary>Every file by its path in the folder.</summary>
    public static IReadOnlyDictionary<string, string> Create(SecretsInput input)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        Identity(files);
        Postgres(files, input);
        Broker(files, input);
        Redis(files, input);
        Peppers(files, input.Seed);
        Providers(files, input);

        // A simulated Stripe delivers its webhooks by the container's name.
        var (certificate, key) = LocalCertificate.Create(input.Now, input.Simulated ? [input.Host, "gateway"] : [input.Host]);
        if (input.Simulated)
            files["simulators/tls-cert"] = certificate;
        files["gateway/tls-cert"] = certificate;
        files["gateway/tls-key"] = key;
        files["gateway/cookie-keys/0001.key"] = CookieKeys.New();
        files["grafana/admin-password"] = input.Seed.Secret("grafana");
        return files;
    }

    /// <summary>All settings that somebody else gives, each with its service.</summary>
    public static IEnumerable<(string Service, string Setting)> Given(bool bucket) =>
        OfProviders.SelectMany(given => given.Value.Select(setting => (given.Key, setting)))
            .Concat(bucket ? WithBlobs.SelectMany(service => OfBucket.Select(setting => (service, setting))) : []);

    /// <summary>A service's file of one setting.</summary>
    public static string Of(string service, string setting) => $"{service}/{setting.ToLowerInvariant().Replace('_', '-')}";

    private static (string Host, int Port) Address(string address, int port) => address.Split(':', 2) is [var host, var own]
        ? int.TryParse(own, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? (host, number)
            : throw new ToolException($"'{address}' is no name with a port, such as redis.example:6380.")
        : (address, port);

    private static void Identity(SortedDictionary<string, string> files)
    {
        var keys = IdentityKeys.CallersOf.Keys.ToDictionary(service => service, _ => IdentityKeys.NewKey(), StringComparer.Ordinal);
        foreach (var (service, callers) in IdentityKeys.CallersOf)
        {
            files[Of(service, "IDENTITY_KEY")] = keys[service];
            foreach (var caller in callers)
                files[$"{service}/callers/{caller}.pem"] = IdentityKeys.PublicKey(keys[caller]);
        }
    }

    private static void Postgres(SortedDictionary<string, string> files, SecretsInput input)
    {
        var seed = input.Seed;
        var (host, port) = Address(input.Postgres, 5432);
        var server = new PostgresFacts(port, seed.Secret("postgres")) { Host = host, Verified = input.Tls };
        files["postgres/password"] = server.AdminPassword;
        var script = new StringBuilder(Databases.CloseDefaults).Append('\n');
        foreach (var (service, database) in Deployment.DatabaseTable)
        {
            var (owner, app) = (Deployment.DdlPassword(seed, database), Deployment.AppPassword(seed, database));
            script.Append(Databases.Script(database, owner, app));
            files[Of(service, "DATABASE_CONNECTION")] = server.Connection(database, Databases.AppRole(database), app);
            files[Of("migrate/" + service, "MIGRATE_DATABASE_CONNECTION")] = server.Connection(database, Databases.DdlRole(database), owner);
        }

        files["postgres/roles.sql"] = script.ToString();
    }

    private static void Broker(SortedDictionary<string, string> files, SecretsInput input)
    {
        var seed = input.Seed;
        var passwords = BrokerPermissions.Users.ToDictionary(user => user, user => seed.Secret("rabbitmq " + user), StringComparer.Ordinal);
        var (host, port) = Address(input.RabbitMq, input.Tls ? 5671 : 5672);
        var server = new RabbitMqFacts(port, input.Tls ? 15671 : 15672, seed.Secret("rabbitmq administrator"), passwords) { Host = host, Verified = input.Tls };
        files["rabbitmq/definitions.json"] = BrokerDefinitions.Json(server);
        files["keda/host"] = $"{(input.Tls ? "https" : "http")}://{BrokerPermissions.ScalerUser}:{passwords[BrokerPermissions.ScalerUser]}@{server.Host}:{server.ManagementPort}/{RabbitMqFacts.DefaultVirtualHost}";
        files["support/rabbitmq-administrator"] = server.AdminPassword;
        foreach (var service in BrokerPermissions.MessagesOf.Keys)
        {
            files[Of(service, "RABBITMQ_URL")] = server.Url(service);
            files[Of("migrate/" + service, "MIGRATE_RABBITMQ_URL")] = server.Url(BrokerPermissions.MigrateUser);
        }

        files[Of("entitlements", "SUPPORT_BROKER_URL")] = server.Url(BrokerPermissions.SupportUser);
    }

    private static void Redis(SortedDictionary<string, string> files, SecretsInput input)
    {
        var (host, port) = Address(input.Redis, 6379);
        var server = new RedisFacts(port, input.Seed.Secret("redis")) { Host = host, Verified = input.Tls };
        files["redis/redis.conf"] = $"requirepass {server.Password}\nsave \"\"\nappendonly no\nmaxmemory-policy noeviction\n";
        foreach (var service in WithRedis)
            files[Of(service, "REDIS_CONNECTION")] = server.Connection;
    }

    private static void Peppers(SortedDictionary<string, string> files, DevelopmentSeed seed)
    {
        files[Of("gateway", "ADDRESS_PEPPER")] = seed.Secret("address pepper");
        files[Of("billing", "RESTORE_CODE_KEY")] = seed.Secret("restore code key");
        files[Of("entitlements", "API_KEY_PEPPER")] = seed.Secret("api key pepper");
        files[Of("staging-api", "SAFETY_PEPPER")] = seed.Secret("safety pepper");
        files[Of("staging-api", "WEBHOOK_SECRETS_KEY")] = seed.Secret("webhook secrets key");
        var token = seed.Secret("support token");
        files[Of("entitlements", "SUPPORT_OPERATORS")] = $"first act {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)))}\n";
        files["support/token"] = token;
    }

    private static void Providers(SortedDictionary<string, string> files, SecretsInput input)
    {
        var simulated = Deployments.Providers.From(new Dictionary<string, string>(StringComparer.Ordinal), input.Seed);
        var made = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["STRIPE_SECRET_KEY"] = simulated.StripeKey,
            ["STRIPE_WEBHOOK_SECRET"] = simulated.StripeWebhookSecret,
            ["OPENAI_API_KEY"] = simulated.OpenAiKey,
        };
        foreach (var (service, setting) in Given(input.Bucket))
        {
            var value = input.Given.GetValueOrDefault(setting) ?? (input.Simulated ? made.GetValueOrDefault(setting) : null) ?? "";
            files[Of(service, setting)] = value;
            if (input.Simulated && made.ContainsKey(setting))
                files[Of("simulators", setting)] = value;
        }
    }
}
