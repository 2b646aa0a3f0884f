using HomeStage.Tool.Deployments;
using HomeStage.Tool.Servers;
using Shouldly;
using Xunit;

namespace HomeStage.Tool.Tests;

public sealed class DeploymentTests
{
    private static readonly DevelopmentSeed Seed = DevelopmentSeed.Create();

    private static readonly ServerFacts Servers = new(
        new PostgresFacts(1001, "admin"),
        new RabbitMqFacts(1002, 1003, "admin", BrokerPermissions.Users.ToDictionary(user => user, user => user + "-password")),
        new RedisFacts(1004, "redis-password"));

    [Fact]
    public void Every_service_gets_its_own_database_role_and_broker_user()
    {
        var deployment = Plan();

        Setting(deployment, "billing", "DATABASE_CONNECTION").ShouldContain("Database=billing;Username=billing_app");
        Setting(deployment, "entitlements", "DATABASE_CONNECTION").ShouldContain("Database=entitlements;Username=entitlements_app");
        Setting(deployment, "staging-api", "DATABASE_CONNECTION").ShouldContain("Database=staging;Username=staging_app");
        foreach (var service in (string[])["billing", "entitlements", "staging-api", "staging-worker"])
            Setting(deployment, service, "RABBITMQ_URL").ShouldBe($"amqp://{service}:{service}-password@127.0.0.1:1002/homestage");
    }

    [Fact]
    public void Gateway_and_worker_have_no_database_and_the_gateway_no_broker()
    {
        var deployment = Plan();

        Settings(deployment, "gateway").Keys.ShouldNotContain("DATABASE_CONNECTION");
        Settings(deployment, "gateway").Keys.ShouldNotContain("RABBITMQ_URL");
        Settings(deployment, "staging-worker").Keys.ShouldNotContain("DATABASE_CONNECTION");
    }

    [Fact]
    public void Only_migrations_know_the_owner_role_and_the_user_that_declares_everything()
    {
        var deployment = Plan();

        deployment.Services.ShouldAllBe(service => !service.Settings.Keys.Any(name => name.StartsWith("MIGRATE_")));
        deployment.Migrations.Select(migration => migration.Program).ShouldBe(["billing", "entitlements", "staging-api", "staging-worker"]);
        var staging = deployment.Migrations.Single(migration => migration.Program == "staging-api").Settings;
        staging["MIGRATE_DATABASE_CONNECTION"].ShouldContain("Database=staging;Username=staging_ddl");
        staging["MIGRATE_APP_ROLE"].ShouldBe("staging_app");
        staging["MIGRATE_RABBITMQ_URL"].ShouldStartWith("amqp://migrate:");
    }

    [Fact]
    public void Providers_are_simulated_unless_their_keys_are_given()
    {
        var simulated = Plan();
        simulated.Simulators.Count.ShouldBe(2);
        Setting(simulated, "staging-worker", "OPENAI_BASE_URL").ShouldStartWith("http://127.0.0.1:");
        Setting(simulated, "billing", "STRIPE_API_URL").ShouldStartWith("http://127.0.0.1:");

        var real = Plan(new() { ["OPENAI_API_KEY"] = "sk-real", ["STRIPE_SECRET_KEY"] = "sk_live_real", ["STRIPE_WEBHOOK_SECRET"] = "whsec_real" });
        real.Simulators.ShouldBeEmpty();
        Setting(real, "staging-worker", "OPENAI_API_KEY").ShouldBe("sk-real");
        Settings(real, "staging-worker").Keys.ShouldNotContain("OPENAI_BASE_URL");
        Settings(real, "billing").Keys.ShouldNotContain("STRIPE_API_URL");
    }

    [Fact]
    public void A_real_Stripe_key_without_a_webhook_secret_is_refused()
    {
        Should.Throw<ToolException>(() => Plan(new() { ["STRIPE_SECRET_KEY"] = "sk_live_real" })).Message.ShouldContain("STRIPE_WEBHOOK_SECRET is not");
    }

    [Fact]
    public void Keys_of_the_simulators_found_in_the_environment_do_not_make_the_providers_real()
    {
        var attached = Plan();
        var again = Plan(new()
        {
            ["OPENAI_API_KEY"] = Setting(attached, "staging-worker", "OPENAI_API_KEY"),
            ["STRIPE_SECRET_KEY"] = Setting(attached, "billing", "STRIPE_SECRET_KEY"),
        });

        again.Simulators.Count.ShouldBe(2);
    }

    [Fact]
    public void Settings_of_a_person_reach_the_service_that_reads_them_and_no_other()
    {
        var deployment = Plan(new() { ["FREE_STAGINGS"] = "7", ["WORKER_CONCURRENCY"] = "5", ["PATH"] = "/somewhere" });

        Setting(deployment, "entitlements", "FREE_STAGINGS").ShouldBe("7");
        Setting(deployment, "staging-worker", "WORKER_CONCURRENCY").ShouldBe("5");
        Settings(deployment, "billing").Keys.ShouldNotContain("FREE_STAGINGS");
        deployment.Services.ShouldAllBe(service => !service.Settings.ContainsKey("PATH"));
    }

    [Fact]
    public void Workers_share_everything_but_their_addresses()
    {
        var deployment = Plan(workers: 3);
        var workers = deployment.Services.Where(service => service.Program == "staging-worker").ToList();

        workers.Select(worker => worker.Name).ShouldBe(["staging-worker", "staging-worker-2", "staging-worker-3"]);
        workers.Select(worker => worker.Settings["MANAGEMENT_URL"]).Distinct().Count().ShouldBe(3);
        workers.Select(worker => worker.Settings["RABBITMQ_URL"]).Distinct().Count().ShouldBe(1);
    }

    [Fact]
    public void Replicas_share_everything_but_their_addresses_and_all_callers_know_them()
    {
        var deployment = new Deployment(Input(new() { ["ALLOWED_ORIGINS"] = "https://app.example" }) with { Ports = [8080, 8081] });
        string[] Listening(string program, string setting) => [.. deployment.Services.Where(service => service.Program == program).Select(service => service.Settings[setting])];

        deployment.Services.Select(service => service.Name).ShouldBe(
            ["gateway", "gateway-2", "billing", "billing-2", "entitlements", "entitlements-2", "staging-api", "staging-api-2", "staging-worker"]);
        foreach (var (caller, setting, called) in ((string, string, string)[])[
            ("gateway", "BILLING", "billing"), ("gateway-2", "ENTITLEMENTS", "entitlements"), ("gateway", "STAGING_API", "staging-api"),
            ("entitlements-2", "BILLING", "billing"), ("staging-api", "ENTITLEMENTS", "entitlements"), ("staging-worker", "STAGING_API", "staging-api")])
        {
            Setting(deployment, caller, setting + "_URL").Split(',').ShouldBe(Listening(called, "HTTP_URL"));
            if (caller.StartsWith("gateway", StringComparison.Ordinal))
                Setting(deployment, caller, setting + "_HEALTH_URL").Split(',').ShouldBe(Listening(called, "MANAGEMENT_URL"));
        }

        Setting(deployment, "gateway-2", "STAGING_API_STREAMS_URL").Split(',').ShouldBe(Listening("staging-api", "HTTP2_URL"));
        Setting(deployment, "gateway", "GATEWAY_REPLICAS").ShouldBe("2");
        Setting(deployment, "gateway-2", "HTTP_URL").ShouldBe("http://127.0.0.1:8081");
        Setting(deployment, "gateway-2", "PUBLIC_URL").ShouldBe("http://localhost:8080");
        Setting(deployment, "gateway", "ALLOWED_ORIGINS").ShouldBe("http://localhost:8081,https://app.example");
        deployment.Migrations.Count.ShouldBe(4);
    }

    [Fact]
    public void The_env_file_names_every_replica_and_one_support_api()
    {
        var deployment = new Deployment(Input(new()) with { Ports = [8080, 8081] });
        var names = EnvFile.Render(deployment, Servers).Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split('=')[0]).ToList();

        names.ShouldBeUnique();
        foreach (var name in (string[])["BILLING_2_HTTP_URL", "GATEWAY_2_MANAGEMENT_URL", "STAGING_API_URL", "SUPPORT_URL"])
            names.ShouldContain(name);
    }

    [Fact]
    public void A_process_is_killed_only_after_the_time_that_it_gives_itself()
    {
        var usual = Plan().Services.Single(service => service.Name == "billing");
        usual.StopTimeout.TotalSeconds.ShouldBeGreaterThan(double.Parse(usual.Settings["DRAIN_SECONDS"]) + double.Parse(usual.Settings["DRAIN_DELAY_SECONDS"]));

        Plan(new() { ["DRAIN_SECONDS"] = "300" }).Services.ShouldAllBe(service => service.StopTimeout > TimeSpan.FromSeconds(300));
    }

    [Fact]
    public void All_replicas_together_hold_fewer_connections_than_the_database_has()
    {
        var many = new Deployment(Input(new()) with { Ports = [.. Enumerable.Range(8080, 8)] });

        many.Services.Sum(service => int.Parse(service.Settings.GetValueOrDefault("DATABASE_POOL", "0"))).ShouldBeInRange(1, 150);
    }

    [Fact]
    public void No_two_listeners_share_a_port()
    {
        var deployment = new Deployment(Input(new()) with { Workers = 2, Ports = [8080, 8081] });
        var listeners = deployment.Services.SelectMany(service => (string[])[service.Settings["HTTP_URL"], service.Settings["MANAGEMENT_URL"]])
            .Concat(deployment.SupportUrls)
            .Concat(deployment.Simulators.Select(simulator => simulator.Shown!.Value.Address))
            .ToList();

        listeners.ShouldBeUnique();
    }

    [Fact]
    public void Work_is_let_in_last_and_kept_out_first()
    {
        var order = Plan().Services.OrderBy(service => service.Stage).Select(service => service.Name);

        order.ShouldBe(["gateway", "staging-worker", "billing", "entitlements", "staging-api"]);
    }

    [Fact]
    public void With_https_the_gateway_and_the_public_address_say_so()
    {
        var deployment = new Deployment(Input(new()) with { Https = true });

        deployment.PublicUrl.ShouldBe("https://localhost:8080");
        Setting(deployment, "billing", "PUBLIC_URL").ShouldBe("https://localhost:8080");
        Settings(deployment, "gateway").Keys.ShouldContain("TLS_CERT_FILE");
        deployment.Simulators.Single(simulator => simulator.Name == "stripe-simulator").Arguments.ShouldContain("https://localhost:8080/webhooks/stripe");
    }

    [Fact]
    public void With_sign_in_a_provider_runs_beside_and_the_gateway_knows_it()
    {
        var deployment = new Deployment(Input(new() { ["SIGN_IN_PROVIDERS"] = "google" }) with { WithSignIn = true });

        var provider = deployment.Simulators.Single(simulator => simulator.Name == "sign-in");
        provider.Spec("/logs").FileName.ShouldBe("node");
        Setting(deployment, "gateway", "SIGN_IN_PROVIDERS").ShouldBe("local");
        Setting(deployment, "gateway", "SIGN_IN_LOCAL_ISSUER").ShouldBe(provider.Shown!.Value.Address);
        Setting(deployment, "gateway", "SIGN_IN_LOCAL_CLIENT_SECRET").ShouldBe(provider.Settings["CLIENT_SECRET"]);
        Plan().Simulators.ShouldNotContain(simulator => simulator.Name == "sign-in");
    }

    [Fact]
    public void A_persons_own_providers_reach_the_gateway_alone_and_their_secrets_no_file()
    {
        var deployment = Plan(new() { ["SIGN_IN_PROVIDERS"] = "google", ["SIGN_IN_GOOGLE_CLIENT_ID"] = "id", ["SIGN_IN_GOOGLE_CLIENT_SECRET"] = "theirs-alone" });

        Setting(deployment, "gateway", "SIGN_IN_GOOGLE_CLIENT_SECRET").ShouldBe("theirs-alone");
        deployment.Services.Where(service => service.Name != "gateway").ShouldAllBe(service => service.Settings.Keys.All(name => !name.StartsWith("SIGN_IN_")));
        EnvFile.Render(deployment, Servers).ShouldNotContain("theirs-alone");
    }

    [Fact]
    public void The_env_file_names_each_setting_once_and_prefixes_only_what_differs()
    {
        var deployment = Plan();
        var lines = EnvFile.Render(deployment, Servers).Split('\n').Where(line => line.Length > 0 && line[0] != '#').ToList();
        var names = lines.Select(line => line.Split('=')[0]).ToList();

        names.ShouldBeUnique();
        lines.ShouldContain($"STRIPE_WEBHOOK_SECRET={Setting(deployment, "billing", "STRIPE_WEBHOOK_SECRET")}");
        lines.ShouldContain($"BILLING_DATABASE_CONNECTION={Setting(deployment, "billing", "DATABASE_CONNECTION")}");
        lines.ShouldContain("PUBLIC_URL=http://localhost:8080");
        names.ShouldContain("STAGING_API_MIGRATE_DATABASE_CONNECTION");
        names.ShouldNotContain("DATABASE_CONNECTION");
    }

    [Fact]
    public void Keys_of_real_providers_are_not_written_to_the_env_file()
    {
        var deployment = Plan(new() { ["OPENAI_API_KEY"] = "sk-real", ["STRIPE_SECRET_KEY"] = "sk_live_real", ["STRIPE_WEBHOOK_SECRET"] = "whsec_real" });

        EnvFile.Render(deployment, Servers).ShouldNotContain("real");
    }

    [Fact]
    public void Secrets_differ_between_folders_and_between_names_but_not_between_runs()
    {
        Seed.Secret("one").ShouldNotBe(Seed.Secret("two"));
        Seed.Secret("one").ShouldNotBe(DevelopmentSeed.Create().Secret("one"));
        DevelopmentSeed.Parse(Seed.ToString())!.Secret("one").ShouldBe(Seed.Secret("one"));
        DevelopmentSeed.Parse("short").ShouldBeNull();
    }

    private static Deployment Plan(Dictionary<string, string>? given = null, int workers = 1) => new(Input(given ?? []) with { Workers = workers });

    private static DeploymentInput Input(Dictionary<string, string> given)
    {
        var port = 2000;
        return new()
        {
            Data = new DataFolder("/data"),
            Servers = Servers,
            Seed = Seed,
            Ports = [8080],
            Given = given,
            NextPort = () => ++port,
        };
    }

    private static IReadOnlyDictionary<string, string> Settings(Deployment deployment, string service) =>
        deployment.Services.Single(process => process.Name == service).Settings;

    private static string Setting(Deployment deployment, string service, string name) => Settings(deployment, service)[name];
}
