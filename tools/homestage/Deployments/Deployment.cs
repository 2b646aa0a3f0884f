using System.Security.Cryptography;
using System.Text;
using HomeStage.Tool.Servers;

namespace HomeStage.Tool.Deployments;

/// <summary>What a deployment is made from.</summary>
internal sealed record DeploymentInput
{
    public required DataFolder Data { get; init; }

    public required ServerFacts Servers { get; init; }

    public required DevelopmentSeed Seed { get; init; }

    /// <summary>The gateway's port, which people use.</summary>
    public required int Port { get; init; }

    public int Workers { get; init; } = 1;

    public bool Https { get; init; }

    /// <summary>Whether an OpenID Connect provider runs beside, where any name signs in.</summary>
    public bool WithSignIn { get; init; }

    /// <summary>Settings from the person's environment.</summary>
    public required IReadOnlyDictionary<string, string> Given { get; init; }

    /// <summary>Gives a free port for each listener that is not the gateway's.</summary>
    public required Func<int> NextPort { get; init; }
}

/// <summary>The processes of the whole system with their settings: a pure function of its input, started by others.</summary>
internal sealed class Deployment
{
    private const string SupportOperator = "local";

    private const string SignInClient = "homestage";
    private const string ApiAudience = "urn:homestage:api";

    private static readonly (string Service, string Database)[] DatabaseTable = [("billing", "billing"), ("entitlements", "entitlements"), ("staging-api", "staging")];

    private static readonly string[] PassedToAll = ["ASPNETCORE_ENVIRONMENT", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_HEADERS", "DATABASE_POOL", "DRAIN_SECONDS"];

    private static readonly string[] BlobSettings =
        ["BLOBS_S3_BUCKET", "BLOBS_S3_REGION", "BLOBS_S3_ENDPOINT", "BLOBS_S3_ACCESS_KEY", "BLOBS_S3_SECRET_KEY", "BLOBS_S3_ENCRYPTION", "BLOBS_S3_KMS_KEY"];

    /// <summary>Settings that a person may give to <c>up</c> in the environment, by the service that reads them.</summary>
    private static readonly Dictionary<string, string[]> PassedTo = new(StringComparer.Ordinal)
    {
        ["gateway"] =
        [
            "ALLOWED_ORIGINS", "ALLOWED_HOSTS", "TRUSTED_PROXIES", "COUNTRY_HEADER", "MAX_CONNECTIONS", "GATEWAY_REPLICAS", "LIMITS", "LIMIT_API", "LIMIT_MEDIA",
            "LIMIT_UPLOAD", "LIMIT_STREAM", "LIMIT_STAGING", "LIMIT_CHECKOUT", "LIMIT_KEYS", "LIMIT_SIGN_IN", "LIMIT_RESTORE", "LIMIT_STATIC",
        ],
        ["billing"] = ["STRIPE_API_URL", "PLANS", "PLANS_FILE", "RECONCILE_SECONDS"],
        ["entitlements"] = ["FREE_STAGINGS", "FREE_WINDOW_DAYS", "FREE_DAILY_BUDGET"],
        ["staging-api"] = [.. BlobSettings, "CLAMAV_ADDRESS"],
        ["staging-worker"] = [.. BlobSettings, "OPENAI_BASE_URL", "OPENAI_MODEL", "OPENAI_INPUT_PRICE", "OPENAI_OUTPUT_PRICE", "WORKER_CONCURRENCY", "PROVIDER_TIMEOUT_SECONDS"],
    };

    private readonly DeploymentInput _input;
    private readonly Dictionary<string, string> _urls;

    public Deployment(DeploymentInput input)
    {
        _input = input;
        Providers = Providers.From(input.Given, input.Seed);
        PublicUrl = $"{(input.Https ? "https" : "http")}://localhost:{input.Port}";
        _urls = ((string[])["billing", "entitlements", "staging-api", "support", "openai", "stripe", "sign-in"]).ToDictionary(name => name, _ => NextUrl(), StringComparer.Ordinal);
        Simulators = [.. PlanSimulators(), .. input.WithSignIn ? [SignIn()] : Array.Empty<ProcessPlan>()];
        Services = [Gateway(), Billing(), Entitlements(), StagingApi(), .. Enumerable.Range(1, input.Workers).Select(Worker)];
        Migrations = [.. Services.Where(service => service.Program != "gateway").DistinctBy(service => service.Program).Select(Migration)];
    }

    /// <summary>Where the support API listens.</summary>
    public string SupportUrl => _urls["support"];

    /// <summary>The token of the one support person there is here, who may act.</summary>
    public string SupportToken => _input.Seed.Secret("support token");

    public static IEnumerable<string> DatabaseNames => DatabaseTable.Select(row => row.Database);

    public Providers Providers { get; }

    public string PublicUrl { get; }

    public IReadOnlyList<ProcessPlan> Simulators { get; }

    /// <summary>Each runs to its end, side by side, before any service starts.</summary>
    public IReadOnlyList<ProcessPlan> Migrations { get; }

    public IReadOnlyList<ProcessPlan> Services { get; }

    public static string DdlPassword(DevelopmentSeed seed, string database) => seed.Secret($"{database} ddl");

    public static string AppPassword(DevelopmentSeed seed, string database) => seed.Secret($"{database} app");

    private IEnumerable<ProcessPlan> PlanSimulators()
    {
        // In the environment, because arguments can be read by everyone on the machine.
        var keys = Settings(("OPENAI_API_KEY", Providers.OpenAiKey), ("STRIPE_SECRET_KEY", Providers.StripeKey), ("STRIPE_WEBHOOK_SECRET", Providers.StripeWebhookSecret));
        // The simulator delivers its webhooks to the gateway, whose generated certificate it has to trust.
        if (_input.Https)
            keys["SSL_CERT_FILE"] = _input.Data.Certificate;
        if (Providers.OpenAiIsSimulated)
        {
            yield return new("openai-simulator", "simulators", ["openai", "--url", _urls["openai"]], keys)
            {
                Ready = new(_urls["openai"] + "/health/ready"),
                Stage = StopStage.Simulators,
                Shown = (_urls["openai"], "OpenAI, simulated (OPENAI_API_KEY is not set)"),
            };
        }
        if (Providers.StripeIsSimulated)
        {
            yield return new("stripe-simulator", "simulators",
                ["stripe", "--url", _urls["stripe"], "--webhook-url", PublicUrl + "/webhooks/stripe", "--data", _input.Data.StripeSimulatorFile], keys)
            {
                Ready = new(_urls["stripe"] + "/health/ready"),
                Stage = StopStage.Simulators,
                Shown = (_urls["stripe"], "Stripe, simulated (STRIPE_SECRET_KEY is not set)"),
            };
        }
    }

    private ProcessPlan SignIn()
    {
        var url = _urls["sign-in"];
        return new("sign-in", "sign-in", [], Settings(
            ("PORT", new Uri(url).Port.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            ("CLIENT_ID", SignInClient),
            ("CLIENT_SECRET", _input.Seed.Secret("sign-in client")),
            ("REDIRECT_URIS", PublicUrl + "/auth/callback/local"),
            ("LOGOUT_URIS", PublicUrl + "/"),
            ("AUDIENCE", ApiAudience)))
        {
            Ready = new(url + "/.well-known/openid-configuration"),
            Stage = StopStage.Simulators,
            Shown = (url, "OpenID Connect provider for this machine: any name signs in"),
        };
    }

    private IEnumerable<(string, string)> SignInSettings() => !_input.WithSignIn ? [] :
    [
        ("SIGN_IN_PROVIDERS", "local"),
        ("SIGN_IN_LOCAL_LABEL", "This machine"),
        ("SIGN_IN_LOCAL_ISSUER", _urls["sign-in"]),
        ("SIGN_IN_LOCAL_CLIENT_ID", SignInClient),
        ("SIGN_IN_LOCAL_CLIENT_SECRET", _input.Seed.Secret("sign-in client")),
        ("SIGN_IN_LOCAL_AUDIENCE", ApiAudience),
    ];

    private ProcessPlan Gateway()
    {
        (string, string)[] tls = _input.Https ? [("TLS_CERT_FILE", _input.Data.Certificate), ("TLS_KEY_FILE", _input.Data.CertificateKey)] : [];
        var plan = Service("gateway", "gateway", $"{(_input.Https ? "https" : "http")}://127.0.0.1:{_input.Port}", StopStage.Gateway, [
            ("PUBLIC_URL", PublicUrl),
            ("COOKIE_KEYS_DIR", _input.Data.CookieKeys),
            ("ADDRESS_PEPPER", _input.Seed.Secret("address pepper")),
            ("BILLING_URL", _urls["billing"]),
            ("ENTITLEMENTS_URL", _urls["entitlements"]),
            ("STAGING_API_URL", _urls["staging-api"]),
            ("REDIS_CONNECTION", _input.Servers.Redis!.Connection),
            .. tls,
            .. SignInSettings(),
        ]);
        return plan with { Shown = (PublicUrl, "HomeStage: the page and the API") };
    }

    private ProcessPlan Billing() => Service("billing", "billing", _urls["billing"], StopStage.Services, [
        ("PUBLIC_URL", PublicUrl),
        ("STRIPE_SECRET_KEY", Providers.StripeKey),
        ("STRIPE_WEBHOOK_SECRET", Providers.StripeWebhookSecret),
        ("RESTORE_CODE_KEY", _input.Seed.Secret("restore code key")),
        .. Providers.StripeIsSimulated ? ((string, string)[])[("STRIPE_API_URL", _urls["stripe"])] : [],
    ]);

    private ProcessPlan Entitlements() => Service("entitlements", "entitlements", _urls["entitlements"], StopStage.Services, [
        ("FREE_STAGINGS", "3"),
        ("FREE_WINDOW_DAYS", "30"),
        ("FREE_DAILY_BUDGET", "1000"),
        ("API_KEY_PEPPER", _input.Seed.Secret("api key pepper")),
        ("BILLING_URL", _urls["billing"]),
        ("REDIS_CONNECTION", _input.Servers.Redis!.Connection),
        ("SUPPORT_URL", _urls["support"]),
        ("SUPPORT_OPERATORS", $"{SupportOperator} act {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(SupportToken)))}"),
        ("SUPPORT_BROKER_URL", _input.Servers.RabbitMq!.Url(BrokerPermissions.SupportUser)),
    ]);

    private ProcessPlan StagingApi() => Service("staging-api", "staging-api", _urls["staging-api"], StopStage.Services, [
        ("BLOBS_DIR", _input.Data.Blobs),
        ("ENTITLEMENTS_URL", _urls["entitlements"]),
        ("SAFETY_PEPPER", _input.Seed.Secret("safety pepper")),
        ("REDIS_CONNECTION", _input.Servers.Redis!.Connection),
    ]);

    private ProcessPlan Worker(int number) => Service(number == 1 ? "staging-worker" : $"staging-worker-{number}", "staging-worker", NextUrl(), StopStage.Workers, [
        ("BLOBS_DIR", _input.Data.Blobs),
        ("STAGING_API_URL", _urls["staging-api"]),
        ("REDIS_CONNECTION", _input.Servers.Redis!.Connection),
        ("OPENAI_API_KEY", Providers.OpenAiKey),
        .. Providers.OpenAiIsSimulated ? ((string, string)[])[("OPENAI_BASE_URL", _urls["openai"] + "/v1")] : [],
    ]);

    private ProcessPlan Service(string name, string program, string url, StopStage stage, (string, string)[] own)
    {
        var management = NextUrl();
        var settings = Settings([
            ("HTTP_URL", url),
            ("MANAGEMENT_URL", management),
            ("ASPNETCORE_ENVIRONMENT", "Development"),
            ("DRAIN_SECONDS", "20"),
            ("IDENTITY_KEY_FILE", IdentityKeys.KeyFile(_input.Data.IdentityKeys, program)),
            ("IDENTITY_CALLERS_DIR", IdentityKeys.CallersFolder(_input.Data.IdentityKeys, program)),
            .. Storage(program),
            .. own,
        ]);
        // What points at a simulator stays: a person's OPENAI_BASE_URL belongs to the person's key.
        var signIn = program == "gateway" && !_input.WithSignIn ? _input.Given.Keys.Where(name => name.StartsWith("SIGN_IN_", StringComparison.Ordinal)) : [];
        foreach (var passed in PassedToAll.Concat(PassedTo[program]).Concat(signIn).Where(setting => _input.Given.ContainsKey(setting) && !PointsAtSimulator(setting)))
            settings[passed] = _input.Given[passed];
        return new(name, program, [], settings)
        {
            Ready = new(management + "/health/ready"),
            Stage = stage,
            Shown = (url, $"health and metrics on {management}"),
        };
    }

    private bool PointsAtSimulator(string setting) =>
        (setting == "OPENAI_BASE_URL" && Providers.OpenAiIsSimulated) || (setting == "STRIPE_API_URL" && Providers.StripeIsSimulated);

    private IEnumerable<(string, string)> Storage(string program)
    {
        if (program != "gateway")
            yield return ("RABBITMQ_URL", _input.Servers.RabbitMq!.Url(program));
        if (DatabaseOf(program) is { } database)
            yield return ("DATABASE_CONNECTION", _input.Servers.Postgres!.Connection(database, Databases.AppRole(database), AppPassword(_input.Seed, database)));
    }

    private ProcessPlan Migration(ProcessPlan service)
    {
        var settings = new Dictionary<string, string>(service.Settings, StringComparer.Ordinal)
        {
            ["MIGRATE_RABBITMQ_URL"] = _input.Servers.RabbitMq!.Url(BrokerPermissions.MigrateUser),
        };
        if (DatabaseOf(service.Program) is { } database)
        {
            settings["MIGRATE_DATABASE_CONNECTION"] = _input.Servers.Postgres!.Connection(database, Databases.DdlRole(database), DdlPassword(_input.Seed, database));
            settings["MIGRATE_APP_ROLE"] = Databases.AppRole(database);
        }
        return new(service.Program + "-migrate", service.Program, ["migrate"], settings);
    }

    private static string? DatabaseOf(string program) => DatabaseTable.FirstOrDefault(row => row.Service == program).Database;

    private string NextUrl() => $"http://127.0.0.1:{_input.NextPort()}";

    private static Dictionary<string, string> Settings(params IEnumerable<(string Name, string Value)> settings) =>
        settings.ToDictionary(setting => setting.Name, setting => setting.Value, StringComparer.Ordinal);
}
