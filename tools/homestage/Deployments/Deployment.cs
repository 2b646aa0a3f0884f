using System.Globalization;
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

    /// <summary>The ports of the gateways, of which people use the first. There are as many replicas of every service behind them.</summary>
    public required IReadOnlyList<int> Ports { get; init; }

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

    /// <summary>Connections that all replicas together may hold, below the 200 of the server on this machine.</summary>
    private const int DatabaseConnections = 150;

    /// <summary>What a process may take beside its drain time, in seconds.</summary>
    private const int StopMargin = 10;

    private const string ApiAudience = "urn:homestage:api";

    /// <summary>The services that have a database, and its name.</summary>
    public static IReadOnlyList<(string Service, string Database)> DatabaseTable { get; } = [("billing", "billing"), ("entitlements", "entitlements"), ("staging-api", "staging")];

    private static readonly string[] PassedToAll = ["ASPNETCORE_ENVIRONMENT", "DATABASE_POOL", "DRAIN_SECONDS", "DRAIN_DELAY_SECONDS"];

    private static readonly string[] BlobSettings =
        ["BLOBS_S3_BUCKET", "BLOBS_S3_REGION", "BLOBS_S3_ENDPOINT", "BLOBS_S3_ACCESS_KEY", "BLOBS_S3_SECRET_KEY", "BLOBS_S3_ENCRYPTION", "BLOBS_S3_KMS_KEY"];

    private static readonly string[] ModelSettings = ["OPENAI_MODEL", "IMAGE_MODELS", "IMAGE_MODELS_FILE"];

    private static readonly string[] RetentionSettings =
        ["RETENTION_PHOTOS_HOURS", "RETENTION_RESULTS_DAYS", "RETENTION_PREVIEWS_HOURS", "RETENTION_EVENTS_DAYS", "RETENTION_REQUEST_KEYS_HOURS", "RETENTION_WEBHOOKS_DAYS"];

    private static readonly string[] LayoutSettings =
        ["LAYOUT_MODEL", "LAYOUT_INPUT_PRICE", "LAYOUT_OUTPUT_PRICE", "LAYOUT_DAILY_BUDGET", "LAYOUT_TIMEOUT_SECONDS", "LAYOUT_EFFORT"];

    /// <summary>Settings that a person may give to <c>up</c> in the environment, by the service that reads them.</summary>
    private static readonly Dictionary<string, string[]> PassedTo = new(StringComparer.Ordinal)
    {
        ["gateway"] =
        [
            "ALLOWED_ORIGINS", "ALLOWED_HOSTS", "TRUSTED_PROXIES", "COUNTRY_HEADER", "MAX_CONNECTIONS", "GATEWAY_REPLICAS", "LIMITS", "LIMIT_API", "LIMIT_MEDIA",
            "LIMIT_UPLOAD", "LIMIT_STREAM", "LIMIT_STAGING", "LIMIT_LISTING", "LIMIT_CHECKOUT", "LIMIT_KEYS", "LIMIT_SIGN_IN", "LIMIT_RESTORE", "LIMIT_STATIC",
        ],
        ["billing"] = ["STRIPE_API_URL", "PLANS", "PLANS_FILE", "RECONCILE_SECONDS", "RETENTION_STRIPE_PAYLOAD_DAYS"],
        ["entitlements"] = ["FREE_STAGINGS", "FREE_WINDOW_DAYS", "FREE_DAILY_BUDGET", "LEDGER_CHECK_SECONDS"],
        ["staging-api"] = [.. BlobSettings, .. ModelSettings, .. RetentionSettings, "CLAMAV_ADDRESS", "UPLOADS_MAX_MB", "WEBHOOK_LOCAL_NETWORKS"],
        ["staging-worker"] = [.. BlobSettings, .. ModelSettings, .. LayoutSettings, "OPENAI_BASE_URL", "OPENAI_INPUT_PRICE", "OPENAI_OUTPUT_PRICE", "WORKER_CONCURRENCY", "PROVIDER_TIMEOUT_SECONDS"],
    };

    private readonly DeploymentInput _input;
    private readonly Dictionary<string, string> _urls;
    private readonly Dictionary<string, Listeners[]> _replicas;

    public Deployment(DeploymentInput input)
    {
        _input = input;
        Providers = Providers.From(input.Given, input.Seed);
        PublicUrl = Origin(input.Ports[0]);
        _urls = ((string[])["openai", "stripe", "sign-in"]).ToDictionary(name => name, _ => NextUrl(), StringComparer.Ordinal);
        _replicas = ((string[])["billing", "entitlements", "staging-api"]).ToDictionary(
            name => name, _ => input.Ports.Select(_ => new Listeners(NextUrl(), NextUrl())).ToArray(), StringComparer.Ordinal);
        SupportUrls = [.. input.Ports.Select(_ => NextUrl())];
        StreamUrls = [.. input.Ports.Select(_ => NextUrl())];
        Simulators = [.. PlanSimulators(), .. input.WithSignIn ? [SignIn()] : Array.Empty<ProcessPlan>()];
        Services = [.. Replicas(Gateway), .. Replicas(Billing), .. Replicas(Entitlements), .. Replicas(StagingApi), .. Enumerable.Range(1, input.Workers).Select(Worker)];
        Migrations = [.. Services.Where(service => service.Program != "gateway").DistinctBy(service => service.Program).Select(Migration)];
    }

    /// <summary>Where the support API listens, at each replica of entitlements.</summary>
    public IReadOnlyList<string> SupportUrls { get; }

    /// <summary>Where gateways open event streams, at each replica of staging-api.</summary>
    private IReadOnlyList<string> StreamUrls { get; }

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
            ("PORT", new Uri(url).Port.ToString(CultureInfo.InvariantCulture)),
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

    private IEnumerable<ProcessPlan> Replicas(Func<int, ProcessPlan> plan) => Enumerable.Range(1, _input.Ports.Count).Select(plan);

    private static string NameOf(string program, int number) => number == 1 ? program : $"{program}-{number}";

    private string Origin(int port) => $"{(_input.Https ? "https" : "http")}://localhost:{port}";

    /// <summary>The addresses of all replicas of a service, for those who call it.</summary>
    private string UrlsOf(string service) => string.Join(',', _replicas[service].Select(replica => replica.Url));

    private IEnumerable<(string, string)> Upstream(string service, string setting) =>
    [
        (setting + "_URL", UrlsOf(service)),
        (setting + "_HEALTH_URL", string.Join(',', _replicas[service].Select(replica => replica.Management))),
    ];

    private ProcessPlan Gateway(int number)
    {
        (string, string)[] tls = _input.Https ? [("TLS_CERT_FILE", _input.Data.Certificate), ("TLS_KEY_FILE", _input.Data.CertificateKey)] : [];
        var port = _input.Ports[number - 1];
        var plan = Service("gateway", number, new($"{(_input.Https ? "https" : "http")}://127.0.0.1:{port}", NextUrl()), StopStage.Gateway, [
            ("PUBLIC_URL", PublicUrl),
            ("COOKIE_KEYS_DIR", _input.Data.CookieKeys),
            ("ADDRESS_PEPPER", _input.Seed.Secret("address pepper")),
            .. Upstream("billing", "BILLING"),
            .. Upstream("entitlements", "ENTITLEMENTS"),
            .. Upstream("staging-api", "STAGING_API"),
            ("STAGING_API_STREAMS_URL", string.Join(',', StreamUrls)),
            ("GATEWAY_REPLICAS", _input.Ports.Count.ToString(CultureInfo.InvariantCulture)),
            ("REDIS_CONNECTION", _input.Servers.Redis!.Connection),
            .. tls,
            .. SignInSettings(),
        ]);
        return plan with { Settings = WithOtherOrigins(plan.Settings), Shown = (Origin(port), number == 1 ? "HomeStage: the page and the API" : "the same, at another gateway") };
    }

    /// <summary>A page that another gateway served is one of ours, too.</summary>
    private Dictionary<string, string> WithOtherOrigins(IReadOnlyDictionary<string, string> settings)
    {
        var with = new Dictionary<string, string>(settings, StringComparer.Ordinal);
        string[] origins = [.. _input.Ports.Skip(1).Select(Origin), .. with.TryGetValue("ALLOWED_ORIGINS", out var given) ? [given] : Array.Empty<string>()];
        if (origins.Length > 0)
            with["ALLOWED_ORIGINS"] = string.Join(',', origins);
        return with;
    }

    private ProcessPlan Billing(int number) => Service("billing", number, _replicas["billing"][number - 1], StopStage.Services, [
        ("PUBLIC_URL", PublicUrl),
        ("STRIPE_SECRET_KEY", Providers.StripeKey),
        ("STRIPE_WEBHOOK_SECRET", Providers.StripeWebhookSecret),
        ("RESTORE_CODE_KEY", _input.Seed.Secret("restore code key")),
        .. Providers.StripeIsSimulated ? ((string, string)[])[("STRIPE_API_URL", _urls["stripe"])] : [],
    ]);

    private ProcessPlan Entitlements(int number) => Service("entitlements", number, _replicas["entitlements"][number - 1], StopStage.Services, [
        ("FREE_STAGINGS", "3"),
        ("FREE_WINDOW_DAYS", "30"),
        ("FREE_DAILY_BUDGET", "1000"),
        ("API_KEY_PEPPER", _input.Seed.Secret("api key pepper")),
        ("BILLING_URL", UrlsOf("billing")),
        ("REDIS_CONNECTION", _input.Servers.Redis!.Connection),
        ("SUPPORT_URL", SupportUrls[number - 1]),
        ("SUPPORT_OPERATORS", $"{SupportOperator} act {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(SupportToken)))}"),
        ("SUPPORT_BROKER_URL", _input.Servers.RabbitMq!.Url(BrokerPermissions.SupportUser)),
    ]);

    private ProcessPlan StagingApi(int number) => Service("staging-api", number, _replicas["staging-api"][number - 1], StopStage.Services, [
        ("PUBLIC_URL", PublicUrl),
        ("HTTP2_URL", StreamUrls[number - 1]),
        ("BLOBS_DIR", _input.Data.Blobs),
        ("ENTITLEMENTS_URL", UrlsOf("entitlements")),
        ("SAFETY_PEPPER", _input.Seed.Secret("safety pepper")),
        ("WEBHOOK_SECRETS_KEY", _input.Seed.Secret("webhook secrets key")),
        ("WEBHOOK_LOCAL_NETWORKS", "127.0.0.0/8,::1/128"),
        ("REDIS_CONNECTION", _input.Servers.Redis!.Connection),
    ]);

    private ProcessPlan Worker(int number) => Service("staging-worker", number, new(NextUrl(), NextUrl()), StopStage.Workers, [
        ("BLOBS_DIR", _input.Data.Blobs),
        ("STAGING_API_URL", UrlsOf("staging-api")),
        ("REDIS_CONNECTION", _input.Servers.Redis!.Connection),
        ("OPENAI_API_KEY", Providers.OpenAiKey),
        .. Providers.OpenAiIsSimulated ? ((string, string)[])[("OPENAI_BASE_URL", _urls["openai"] + "/v1")] : [],
    ]);

    private ProcessPlan Service(string program, int number, Listeners listeners, StopStage stage, (string, string)[] own)
    {
        var settings = Settings([
            ("HTTP_URL", listeners.Url),
            ("MANAGEMENT_URL", listeners.Management),
            ("ASPNETCORE_ENVIRONMENT", "Development"),
            ("DRAIN_SECONDS", "20"),
            ("DRAIN_DELAY_SECONDS", "3"),
            ("IDENTITY_KEY_FILE", IdentityKeys.KeyFile(_input.Data.IdentityKeys, program)),
            ("IDENTITY_CALLERS_DIR", IdentityKeys.CallersFolder(_input.Data.IdentityKeys, program)),
            .. Storage(program),
            .. own,
        ]);
        // What points at a simulator stays: a person's OPENAI_BASE_URL belongs to the person's key.
        var signIn = program == "gateway" && !_input.WithSignIn ? _input.Given.Keys.Where(name => name.StartsWith("SIGN_IN_", StringComparison.Ordinal)) : [];
        var telemetry = _input.Given.Keys.Where(name => name.StartsWith("OTEL_", StringComparison.Ordinal));
        foreach (var passed in PassedToAll.Concat(PassedTo[program]).Concat(telemetry).Concat(signIn).Where(setting => _input.Given.ContainsKey(setting) && !PointsAtSimulator(setting)))
            settings[passed] = _input.Given[passed];
        return new(NameOf(program, number), program, [], settings)
        {
            Ready = new(listeners.Management + "/health/ready"),
            Stage = stage,
            // Everything stops, or one replica that is started again: nobody has to be told beforehand.
            IsHurried = true,
            StopTimeout = StopTimeout(settings),
            Shown = (listeners.Url, $"health and metrics on {listeners.Management}"),
        };
    }

    private bool PointsAtSimulator(string setting) =>
        (setting == "OPENAI_BASE_URL" && Providers.OpenAiIsSimulated) || (setting == "STRIPE_API_URL" && Providers.StripeIsSimulated);

    private IEnumerable<(string, string)> Storage(string program)
    {
        if (program != "gateway")
            yield return ("RABBITMQ_URL", _input.Servers.RabbitMq!.Url(program));
        if (DatabaseOf(program) is not { } database)
            yield break;
        if (DatabaseConnections / (DatabaseTable.Count * _input.Ports.Count) is var pool and < 20)
            yield return ("DATABASE_POOL", pool.ToString(CultureInfo.InvariantCulture));
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

    /// <summary>Longer than a service may take by its own settings. One that would take them for nonsense ends by itself.</summary>
    private static TimeSpan StopTimeout(Dictionary<string, string> settings) => TimeSpan.FromSeconds(
        StopMargin + ((string[])["DRAIN_SECONDS", "DRAIN_DELAY_SECONDS"]).Sum(name => int.TryParse(settings[name], CultureInfo.InvariantCulture, out var seconds) ? seconds : 0));

    private static string? DatabaseOf(string program) => DatabaseTable.FirstOrDefault(row => row.Service == program).Database;

    private string NextUrl() => $"http://127.0.0.1:{_input.NextPort()}";

    private static Dictionary<string, string> Settings(params IEnumerable<(string Name, string Value)> settings) =>
        settings.ToDictionary(setting => setting.Name, setting => setting.Value, StringComparer.Ordinal);

    /// <summary>Where a process listens.</summary>
    private sealed record Listeners(string Url, string Management);
}
