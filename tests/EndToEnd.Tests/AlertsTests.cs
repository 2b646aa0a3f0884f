using System.Diagnostics;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using HomeStage.Testing;
using HomeStage.Tool.Servers;
using Npgsql;

namespace HomeStage.EndToEnd.Tests;

/// <summary>
/// The security baseline's thresholds crossed for real, seen by Prometheus with our rules, and cleared. It takes minutes, since some windows
/// are a minute long, so it is run when asked for: <c>dotnet tests/EndToEnd.Tests/bin/Release/net10.0/HomeStage.EndToEnd.Tests.dll -explicit only</c>.
/// </summary>
public sealed partial class AlertsTests
{
    private static readonly string[] Jobs = ["gateway", "billing", "entitlements", "staging-api", "staging-worker"];

    private static readonly string[] Expected =
    [
        "AuthenticationFailuresFromOneAddress", "RateLimitViolations", "WebhookFailuresInRow", "WebhookSignatureSpike", "UnusualGeography",
        "DatabaseErrors", "CheckoutFailures", "CertificateExpiry", "ServerErrors",
    ];

    [Fact(Explicit = true)]
    public async Task Every_threshold_of_the_baseline_fires_and_clears_in_a_running_system()
    {
        using var folder = new TemporaryFolder();
        await using var stack = await TestStack.StartAsync(settings: new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["LIMITS"] = "on",
            ["TRUSTED_PROXIES"] = "127.0.0.1",
            ["COUNTRY_HEADER"] = "CF-IPCountry",
        }, https: true);
        var (certificate, key) = (stack.Setting("gateway", "TLS_CERT_FILE"), stack.Setting("gateway", "TLS_KEY_FILE"));
        await using var admin = NpgsqlDataSource.Create(stack.AdminConnection("billing"));
        var port = FreePorts.Next();
        using var prometheus = StartPrometheus(stack, folder, port);
        try
        {
            using var client = new HttpClient(new SocketsHttpHandler
            {
                UseCookies = false,
                SslOptions = new() { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=localhost" },
            })
            {
                BaseAddress = stack.PublicUrl,
            };
            // Else the first sample of a counter may have all of the burst in it, which is no increase.
            using var asking = new HttpClient();
            await Eventually.Async(async () => (await QueryAsync(asking, port, "up == 1")).Count == Jobs.Length, "Prometheus has read every service's counters");
            await FiringAsync(port, firing => !firing.Overlaps(Expected), "nothing fires");
            var begun = DateTimeOffset.UtcNow;

            // Refused credentials, requests over a limit, and somebody from a new country; each from addresses of its own.
            await RepeatAsync(15, _ => client.SendAsync(Get("/api/v1/credits", "203.0.113.1", ("Authorization", "Bearer junk")), TestContext.Current.CancellationToken));
            await RepeatAsync(160, _ => client.SendAsync(Get("/api/v1/plans", "203.0.113.2"), TestContext.Current.CancellationToken));
            await RepeatAsync(70, at => client.SendAsync(Get("/api/v1/session", $"198.51.100.{at + 1}", ("CF-IPCountry", "KP")), TestContext.Current.CancellationToken));
            await RepeatAsync(30, _ => client.SendAsync(Webhook("whsec_wrong"), TestContext.Current.CancellationToken));
            Certify(certificate, key, days: 10);
            await ExecuteAsync(admin, "revoke select on stripe_events from billing_app");
            await stack.Process("stripe-simulator").KillAsync();
            for (var at = 0; at < 30; at++)
                await CheckOutAsync(client, stack, $"192.0.2.{at + 1}");
            // The gateway looks at its certificate again when somebody connects.
            Task<HttpResponseMessage> ConnectAsync() => client.SendAsync(Get("/api/v1/plans", "203.0.113.3", ("Connection", "close")), TestContext.Current.CancellationToken);
            // Not all at once: the windows are short, and what it takes to cross a threshold may last longer.
            await FiringAsync(port, fired => fired.IsSupersetOf(Expected), "every threshold's alert has fired", begun, ConnectAsync);

            await ExecuteAsync(admin, "grant select on stripe_events to billing_app");
            Certify(certificate, key, days: 90);
            using (var taken = await client.SendAsync(Webhook(stack.Setting("billing", "STRIPE_WEBHOOK_SECRET")), TestContext.Current.CancellationToken))
                taken.EnsureSuccessStatusCode();
            await FiringAsync(
                port,
                firing => !firing.Overlaps(Expected),
                "every alert has ended",
                meanwhile: ConnectAsync);
        }
        finally
        {
            prometheus.Kill();
            await prometheus.WaitForExitAsync(CancellationToken.None);
        }
    }

    /// <summary>Our rules with minutes in place of hours, and scraped every second.</summary>
    private static Process StartPrometheus(TestStack stack, TemporaryFolder folder, int port)
    {
        var rules = File.ReadAllText(Path.Combine(Tool.SourceTree.Root, "deploy", "prometheus", "security.rules.yml"));
        rules = Offset.Replace(rules, "offset 2m");
        rules = Window.Replace(rules, "[1m]");
        rules = Wait.Replace(rules, "for: 2s");
        File.WriteAllText(folder.File("security.rules.yml"), rules);
        var scrapes = string.Concat(Jobs.Select(job => $"  - {{ job_name: {job}, static_configs: [ {{ targets: [ '{new Uri(stack.Setting(job, "MANAGEMENT_URL")).Authority}' ] }} ] }}\n"));
        File.WriteAllText(folder.File("prometheus.yml"), $"global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [ security.rules.yml ]\nscrape_configs:\n{scrapes}");
        return Process.Start(new ProcessStartInfo(
            Executables.OnPath("prometheus") ?? throw new InvalidOperationException("prometheus is not installed; ./homestage test installs it."),
            [$"--config.file={folder.File("prometheus.yml")}", $"--storage.tsdb.path={folder.File("data")}", $"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]))!;
    }

    private static async Task FiringAsync(
        int port, Func<HashSet<string>, bool> wanted, string what, DateTimeOffset? since = null, Func<Task<HttpResponseMessage>>? meanwhile = null)
    {
        using var client = new HttpClient();
        HashSet<string> firing = [];
        try
        {
            await Eventually.Async(
                async () =>
                {
                    if (meanwhile is not null)
                        (await meanwhile()).Dispose();
                    var query = since is null ? "ALERTS{alertstate=\"firing\"}" : $"max_over_time(ALERTS{{alertstate=\"firing\"}}[{(int)(DateTimeOffset.UtcNow - since.Value).TotalSeconds + 1}s])";
                    firing = [.. (await QueryAsync(client, port, query)).Select(alert => (string)alert!["metric"]!["alertname"]!)];
                    return wanted(firing);
                },
                what,
                TimeSpan.FromMinutes(6));
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"{late.Message} Firing: {string.Join(", ", firing)}", late);
        }
    }

    private static async Task<JsonArray> QueryAsync(HttpClient client, int port, string query)
    {
        var answer = await client.GetFromJsonAsync<JsonObject>(
            $"http://127.0.0.1:{port}/api/v1/query?query={Uri.EscapeDataString(query)}", TestContext.Current.CancellationToken);
        return answer!["data"]!["result"]!.AsArray();
    }

    private static async Task RepeatAsync(int times, Func<int, Task<HttpResponseMessage>> request)
    {
        for (var at = 0; at < times; at++)
            (await request(at)).Dispose();
    }

    private static async Task CheckOutAsync(HttpClient client, TestStack stack, string address)
    {
        using var session = await client.SendAsync(Get("/api/v1/session", address), TestContext.Current.CancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/checkout") { Content = JsonContent.Create(new { plan = "quick" }) };
        request.Headers.Add("X-Forwarded-For", address);
        request.Headers.Add("Cookie", session.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
        request.Headers.Add("Origin", stack.PublicUrl.GetLeftPart(UriPartial.Authority));
        request.Headers.Add("Idempotency-Key", Guid.CreateVersion7().ToString());
        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
        ((int)answer.StatusCode).ShouldBeGreaterThanOrEqualTo(500);
    }

    private static HttpRequestMessage Get(string path, string address, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("X-Forwarded-For", address);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    private static HttpRequestMessage Webhook(string secret)
    {
        var at = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var payload = new JsonObject
        {
            ["id"] = $"evt_{Guid.NewGuid():N}",
            ["object"] = "event",
            ["type"] = "nothing.of_ours",
            ["created"] = at,
            ["livemode"] = false,
            ["data"] = new JsonObject { ["object"] = new JsonObject { ["id"] = "x_1", ["object"] = "x" } },
        }.ToJsonString();
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{at}.{payload}")));
        var request = new HttpRequestMessage(HttpMethod.Post, "/webhooks/stripe") { Content = new StringContent(payload, Encoding.UTF8, "application/json") };
        request.Headers.Add("Stripe-Signature", $"t={at},v1={signature}");
        return request;
    }

    private static async Task ExecuteAsync(NpgsqlDataSource admin, string sql)
    {
        await using var command = admin.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private static void Certify(string certificate, string key, int days)
    {
        using var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = new CertificateRequest("CN=localhost", pair, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(days));
        File.WriteAllText(key, pair.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(certificate, made.ExportCertificatePem());
    }

    [GeneratedRegex(@"\[(5m|10m|1h|1d|7d)\]", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Window { get; }

    [GeneratedRegex(@"offset (1h|10m)", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Offset { get; }

    [GeneratedRegex(@"for: \w+", RegexOptions.NonBacktracking)]
    private static partial Regex Wait { get; }
}
