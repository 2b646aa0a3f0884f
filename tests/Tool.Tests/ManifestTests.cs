using System.Text.RegularExpressions;
using HomeStage.Tool.Secrets;
using HomeStage.Tool.Servers;
using Shouldly;
using Xunit;
using YamlDotNet.RepresentationModel;

namespace HomeStage.Tool.Tests;

/// <summary>What the compose file and the Kubernetes manifests name is there: settings, secrets, ports, paths, images.</summary>
public sealed partial class ManifestTests
{
    private static readonly string[] Services = ["gateway", "billing", "entitlements", "staging-api", "staging-worker"];

    private static readonly string Deploy = Path.Combine(SourceTree.Root, "deploy");

    private static readonly IReadOnlyDictionary<string, string> Secrets = SecretFiles.Create(new SecretsInput
    {
        Seed = DevelopmentSeed.Create(),
        Host = "localhost",
        Given = new Dictionary<string, string>(StringComparer.Ordinal),
        Simulated = true,
        Bucket = true,
        Now = TimeProvider.System.GetUtcNow(),
    });

    public static TheoryData<string> All => [.. Services];

    [Theory]
    [MemberData(nameof(All))]
    public void Compose_gives_each_service_all_its_settings_and_no_other(string service)
    {
        var given = Scalars(Compose(service)["environment"]).Keys.Select(Plain).ToHashSet(StringComparer.Ordinal);
        var documented = Documented(service);

        given.Except(documented).ShouldBeEmpty();
        // The value's own variable or its file; two that only matter without containers, and one that is elsewhere.
        documented.Except(given).Except(["IDENTITY_KEY", "BLOBS_DIR", "PLANS_FILE", .. documented.Where(name => name.StartsWith("MIGRATE_", StringComparison.Ordinal))]).ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Compose_and_Kubernetes_name_secrets_that_are_written_for_that_service(string service)
    {
        foreach (var (setting, path) in Scalars(Compose(service)["environment"]).Concat(KubernetesEnvironment(service)).Where(setting => setting.Value.StartsWith("/run/secrets/", StringComparison.Ordinal)))
        {
            var file = $"{service}/{path["/run/secrets/".Length..]}";
            Secrets.Keys.ShouldContain(known => known == file || known.StartsWith(file + "/", StringComparison.Ordinal), setting);
        }
    }

    [Fact]
    public void Overlays_name_settings_that_services_know_and_secrets_that_are_written_for_them()
    {
        foreach (var overlay in (string[])["staging", "production"])
        {
            foreach (var map in ((YamlSequenceNode)Yaml("kubernetes", "overlays", overlay, "kustomization.yaml").Single()["configMapGenerator"]).Where(map => Services.Contains(map["name"].ToString())))
            {
                var service = map["name"].ToString();
                var given = ((YamlSequenceNode)map["literals"]).Select(literal => literal.ToString().Split('=', 2)).ToDictionary(literal => literal[0], literal => literal[1], StringComparer.Ordinal);

                given.Keys.Select(Plain).Except(Documented(service)).ShouldBeEmpty();
                foreach (var path in given.Values.Where(value => value.StartsWith("/run/secrets/", StringComparison.Ordinal)))
                    Secrets.Keys.ShouldContain($"{service}/{path["/run/secrets/".Length..]}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Policies_open_the_ports_of_the_servers_with_and_without_TLS(string service)
    {
        var policy = Yaml("kubernetes", "base", "network-policies.yaml").Single(policy => policy["metadata"]["name"].ToString() == service);
        var open = ((YamlSequenceNode)policy["spec"]["egress"]).SelectMany(rule => (YamlSequenceNode)rule["ports"]).Select(port => port["port"].ToString()).ToList();

        if (Secrets.ContainsKey($"{service}/database-connection"))
            open.ShouldContain("5432");
        if (Secrets.ContainsKey($"{service}/rabbitmq-url"))
            new[] { "5671", "5672" }.ShouldBeSubsetOf(open);
        if (Secrets.ContainsKey($"{service}/redis-connection"))
            new[] { "6379", "6380" }.ShouldBeSubsetOf(open);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Kubernetes_gives_each_service_settings_that_it_knows(string service)
    {
        var given = KubernetesEnvironment(service);

        given.Keys.Select(Plain).Except(Documented(service)).ShouldBeEmpty();
        // The two say the same of who is where.
        var compose = Scalars(Compose(service)["environment"]);
        foreach (var (name, url) in given.Where(setting => setting.Key.EndsWith("_URL", StringComparison.Ordinal)))
            compose[name].ShouldBe(url);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Every_port_and_probe_is_where_the_service_listens(string service)
    {
        var environment = KubernetesEnvironment(service);
        var container = Container(service);
        var ports = ((YamlSequenceNode)container["ports"]).ToDictionary(port => port["name"].ToString(), port => int.Parse(port["containerPort"].ToString(), System.Globalization.CultureInfo.InvariantCulture), StringComparer.Ordinal);
        var listening = environment.Where(setting => setting.Key is "HTTP_URL" or "HTTP2_URL" or "HTTP_REDIRECT_URL" or "MANAGEMENT_URL" or "SUPPORT_URL").Select(setting => new Uri(setting.Value)).ToList();

        ports.Values.Order().ShouldBe(listening.Select(url => url.Port).Order());
        listening.ShouldAllBe(url => url.Host == service);
        ports["management"].ShouldBe(new Uri(environment["MANAGEMENT_URL"]).Port);
        foreach (var (probe, path) in ((string, string)[])[("startupProbe", "/health/live"), ("livenessProbe", "/health/live"), ("readinessProbe", "/health/ready")])
        {
            container[probe]["httpGet"]["path"].ToString().ShouldBe(path);
            container[probe]["httpGet"]["port"].ToString().ShouldBe("management");
        }
    }

    [Fact]
    public void Workers_have_longer_to_end_than_a_provider_call_may_take()
    {
        const int longestCall = 300;
        var drain = int.Parse(KubernetesEnvironment("staging-worker")["DRAIN_SECONDS"], System.Globalization.CultureInfo.InvariantCulture);
        var grace = int.Parse(Pod("staging-worker")["terminationGracePeriodSeconds"].ToString(), System.Globalization.CultureInfo.InvariantCulture);

        drain.ShouldBeGreaterThan(longestCall);
        grace.ShouldBeGreaterThan(drain);
        Compose("staging-worker")["stop_grace_period"].ToString().ShouldBe($"{grace}s");
    }

    [Fact]
    public void Every_container_of_ours_has_no_rights()
    {
        foreach (var service in Services)
        {
            Pod(service)["securityContext"]["runAsNonRoot"].ToString().ShouldBe("true");
            Container(service)["securityContext"].ToString().ShouldBe(Parse("{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: [ALL] } }").ToString());
            Compose(service)["read_only"].ToString().ShouldBe("true");
            Compose(service)["cap_drop"].ToString().ShouldBe(Parse("[ALL]").ToString());
            Compose(service)["user"].ToString().ShouldStartWith($"{SecretsCommand.ContainerId}:");
        }
    }

    [Fact]
    public void Every_container_of_ours_has_limits()
    {
        foreach (var service in Services)
        {
            Container(service)["resources"]["limits"]["memory"].ToString().ShouldNotBeEmpty();
            Compose(service)["mem_limit"].ToString().ShouldNotBeEmpty();
            Compose(service)["cpus"].ToString().ShouldNotBeEmpty();
        }
    }

    [Theory]
    [InlineData("to-postgres", "database-connection")]
    [InlineData("to-rabbitmq", "rabbitmq-url")]
    [InlineData("to-redis", "redis-connection")]
    public void Only_those_who_call_a_server_are_in_its_network(string network, string secret)
    {
        Yaml("docker-compose.yml").Single()["networks"][network]["internal"].ToString().ShouldBe("true");
        Services.Where(service => ((YamlSequenceNode)Compose(service)["networks"]).Any(name => name.ToString() == network))
            .ShouldBe(Services.Where(service => Secrets.ContainsKey($"{service}/{secret}")));
    }

    [Fact]
    public void Pools_of_all_replicas_in_a_rollout_fit_a_PostgreSQL_of_a_hundred_connections()
    {
        const int forTheSuperuser = 3;
        foreach (var overlay in (string[])["staging", "production"])
        {
            var settings = Yaml("kubernetes", "overlays", overlay, "kustomization.yaml").Single()["configMapGenerator"][0]["literals"];
            var pool = int.Parse(((YamlSequenceNode)settings).Select(literal => literal.ToString()).Single(literal => literal.StartsWith("DATABASE_POOL=", StringComparison.Ordinal)).Split('=')[1], System.Globalization.CultureInfo.InvariantCulture);
            var sizes = Yaml("kubernetes", "overlays", overlay, "size.yaml").Where(size => size["kind"].ToString() == "Deployment").ToList();
            var replicas = Services.Where(service => Secrets.ContainsKey($"{service}/database-connection")).Sum(service =>
                1 + int.Parse((sizes.Find(size => size["metadata"]["name"].ToString() == service) ?? Deployment(service))["spec"]["replicas"].ToString(), System.Globalization.CultureInfo.InvariantCulture));

            (replicas * pool).ShouldBeLessThanOrEqualTo(100 - forTheSuperuser);
        }
    }

    [Fact]
    public void Migrations_are_named_by_the_tag_that_their_services_have()
    {
        foreach (var overlay in (string[])["staging", "production"])
        {
            var services = Yaml("kubernetes", "overlays", overlay, "kustomization.yaml").Single();
            var migrations = Yaml("kubernetes", "overlays", overlay, "migrations", "kustomization.yaml").Single();
            var tags = ((YamlSequenceNode)services["images"]).Concat((YamlSequenceNode)migrations["images"]).Select(image => image["newTag"].ToString()).Distinct(StringComparer.Ordinal).ToList();

            tags.ShouldHaveSingleItem();
            migrations["nameSuffix"].ToString().ShouldBe("-" + tags[0]);
            ((YamlSequenceNode)services["images"]).Select(image => image["name"].ToString()).Order(StringComparer.Ordinal).ShouldBe(Services.Select(service => "homestage/" + service).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void Migrations_get_what_their_mode_reads()
    {
        foreach (var job in Yaml("kubernetes", "migrations", "jobs.yaml"))
        {
            var container = job["spec"]["template"]["spec"]["containers"][0];
            var service = container["image"].ToString()["homestage/".Length..];
            var kubernetes = ((YamlSequenceNode)container["env"]).ToDictionary(setting => setting["name"].ToString(), setting => setting["value"].ToString(), StringComparer.Ordinal);
            var compose = Scalars(Compose("migrate-" + service)["environment"]);
            compose.Remove("TRUSTED_CA_FILE");

            compose.OrderBy(setting => setting.Key, StringComparer.Ordinal).ShouldBe(kubernetes.OrderBy(setting => setting.Key, StringComparer.Ordinal));
            foreach (var path in kubernetes.Values.Where(value => value.StartsWith("/run/secrets/", StringComparison.Ordinal)))
                Secrets.Keys.ShouldContain($"migrate/{service}/{path["/run/secrets/".Length..]}");
        }
    }

    [Fact]
    public async Task Every_variable_of_the_compose_file_is_in_the_example_with_the_same_default()
    {
        var compose = await File.ReadAllTextAsync(Path.Combine(Deploy, "docker-compose.yml"), TestContext.Current.CancellationToken);
        var example = (await File.ReadAllLinesAsync(Path.Combine(Deploy, ".env.example"), TestContext.Current.CancellationToken))
            .Where(line => line.Contains('=', StringComparison.Ordinal) && !line.StartsWith('#'))
            .ToDictionary(line => line.Split('=')[0], line => line.Split('=', 2)[1], StringComparer.Ordinal);
        var used = Variable.Matches(compose).Select(match => (Name: match.Groups["name"].Value, Default: match.Groups["default"].Value)).Distinct().ToList();

        used.Select(variable => $"{variable.Name}={variable.Default}").Order(StringComparer.Ordinal)
            .ShouldBe(example.Select(variable => $"{variable.Key}={variable.Value}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Workers_are_scaled_by_the_queue_that_they_take_from()
    {
        var scaled = Yaml("kubernetes", "base", "keda.yaml").Single(document => document["kind"].ToString() == "ScaledObject");
        var trigger = scaled["spec"]["triggers"][0];

        trigger["metadata"]["queueName"].ToString().ShouldBe("staging-worker.stage-room");
        trigger["metadata"]["protocol"].ToString().ShouldBe("http");
        trigger["metadata"]["excludeUnacknowledged"].ToString().ShouldBe("false");
        scaled["spec"]["minReplicaCount"].ToString().ShouldBe("1");
        scaled["spec"]["scaleTargetRef"]["name"].ToString().ShouldBe("staging-worker");
    }

    /// <summary>The settings that docs/configuration.md gives to a service, which another test compares with the code.</summary>
    private static HashSet<string> Documented(string service)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var concerns = false;
        foreach (var line in File.ReadLines(Path.Combine(SourceTree.Root, "docs", "configuration.md")))
        {
            if (line.StartsWith("## ", StringComparison.Ordinal))
            {
                concerns = line == $"## {service}" || line.StartsWith("## Every service", StringComparison.Ordinal) || line.EndsWith(": all", StringComparison.Ordinal)
                    || (line.Contains(": ", StringComparison.Ordinal) && line.Split(": ")[1].Split(", ").Contains(service, StringComparer.Ordinal));
            }

            // A family of settings, by the names of providers: those are in a file of their own.
            if (!concerns || !line.StartsWith("| `", StringComparison.Ordinal) || line.StartsWith("| `SIGN_IN_<", StringComparison.Ordinal))
                continue;
            foreach (Match name in Named.Matches(line.Split('|')[1]))
                names.Add(name.Groups["name"].Value);
        }

        // What a service of a section does not read.
        if (service is "gateway" or "staging-worker")
            names.Remove("IDENTITY_CALLERS_DIR");
        if (service == "staging-worker")
            names.ExceptWith(["DATABASE_CONNECTION", "DATABASE_POOL"]);
        return names;
    }

    private static string Plain(string setting) =>
        setting is "TLS_CERT_FILE" or "TLS_KEY_FILE" or "TRUSTED_CA_FILE" || !setting.EndsWith("_FILE", StringComparison.Ordinal) ? setting : setting[..^"_FILE".Length];

    private static YamlNode Compose(string service) => Merged(Yaml("docker-compose.yml").Single()["services"][service]);

    private static YamlNode Deployment(string service) =>
        Yaml("kubernetes", "base", service + ".yaml").Single(document => document["kind"].ToString() == "Deployment");

    private static YamlNode Pod(string service) => Deployment(service)["spec"]["template"]["spec"];

    private static YamlNode Container(string service) => Pod(service)["containers"][0];

    private static Dictionary<string, string> KubernetesEnvironment(string service) =>
        ((YamlSequenceNode)Container(service)["env"]).ToDictionary(setting => setting["name"].ToString(), setting => setting["value"].ToString(), StringComparer.Ordinal);

    private static Dictionary<string, string> Scalars(YamlNode mapping) =>
        ((YamlMappingNode)Merged(mapping)).ToDictionary(entry => entry.Key.ToString(), entry => entry.Value.ToString(), StringComparer.Ordinal);

    /// <summary>YAML's merge keys, which the parser leaves to its caller; what a mapping says itself wins, and of several the first.</summary>
    private static YamlNode Merged(YamlNode node)
    {
        if (node is not YamlMappingNode mapping || !mapping.Children.TryGetValue("<<", out var merges))
            return node;
        var result = new YamlMappingNode();
        foreach (var source in merges is YamlSequenceNode several ? several.Reverse() : [merges])
        {
            foreach (var entry in (YamlMappingNode)Merged(source))
                result.Children[entry.Key] = entry.Value;
        }

        foreach (var entry in mapping.Where(entry => entry.Key.ToString() != "<<"))
            result.Children[entry.Key] = entry.Value;
        return result;
    }

    private static List<YamlNode> Yaml(params string[] path)
    {
        using var reader = File.OpenText(Path.Combine([Deploy, .. path]));
        return Load(reader);
    }

    private static YamlNode Parse(string text) => Load(new StringReader(text)).Single();

    private static List<YamlNode> Load(TextReader reader)
    {
        var yaml = new YamlStream();
        yaml.Load(reader);
        return [.. yaml.Documents.Select(document => document.RootNode)];
    }

    [GeneratedRegex(@"\$\{(?<name>[A-Z0-9_]+):-(?<default>[^}]*)\}", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Variable { get; }

    [GeneratedRegex("`(?<name>[A-Z][A-Z0-9_]+)`", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Named { get; }
}
