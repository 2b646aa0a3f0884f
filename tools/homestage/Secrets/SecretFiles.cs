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

    /// <summary>Where PostgreSQL, RabbitMQ and Redis are found by the services.</summary>
    public string PostgresHost { get; init; } = "postgres";

    /// <inheritdoc cref="PostgresHost"/>
    public string RabbitMqHost { get; init; } = "rabbitmq";

    /// <inheritdoc cref="PostgresHost"/>
    public string RedisHost { get; init; } = "redis";

    /// <summary>The providers' own keys by setting; a simulator's is made up where there is none.</summary>
    public required IReadOnlyDictionary<string, string> Given { get; init; }

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

    /// <summary>A service's file of one setting.</summary>
    public static string Of(string service, string setting) => $"{service}/{setting.ToLowerInvariant().Replace('_', '-')}";

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
        var server = new PostgresFacts(Port: 5432, seed.Secret("postgres")) { Host = input.PostgresHost };
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
        var server = new RabbitMqFacts(Port: 5672, ManagementPort: 15672, seed.Secret("rabbitmq administrator"), passwords) { Host = input.RabbitMqHost };
        files["rabbitmq/definitions.json"] = BrokerDefinitions.Json(server);
        files["keda/host"] = $"http://{BrokerPermissions.ScalerUser}:{passwords[BrokerPermissions.ScalerUser]}@{server.Host}:{server.ManagementPort}/{RabbitMqFacts.DefaultVirtualHost}";
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
        var server = new RedisFacts(Port: 6379, input.Seed.Secret("redis")) { Host = input.RedisHost };
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
        foreach (var (service, settings) in OfProviders)
        {
            foreach (var setting in settings)
            {
                var value = input.Given.TryGetValue(setting, out var given) ? given : input.Simulated ? made[setting] : "";
                files[Of(service, setting)] = value;
                if (input.Simulated)
                    files[Of("simulators", setting)] = value;
            }
        }
    }
}
