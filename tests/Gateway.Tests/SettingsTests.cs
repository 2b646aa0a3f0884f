using HomeStage.Hosting;
using HomeStage.Hosting.Configuration;

namespace HomeStage.Gateway.Tests;

public sealed class SettingsTests(SharedStack shared)
{
    public static TheoryData<string, string?, string> Nonsense => new()
    {
        { "PUBLIC_URL", null, "PUBLIC_URL is missing" },
        { "PUBLIC_URL", "localhost", "PUBLIC_URL must be" },
        { "PUBLIC_URL", "https://homestage.test/app", "PUBLIC_URL must be an origin" },
        { "PUBLIC_URL", "http://homestage.test", "PUBLIC_URL must be https" },
        { "ALLOWED_ORIGINS", "https://app.homestage.test/path", "ALLOWED_ORIGINS must be origins" },
        { "ALLOWED_ORIGINS", "*", "ALLOWED_ORIGINS must be origins" },
        { "COOKIE_KEYS_DIR", null, "COOKIE_KEYS_DIR is missing" },
        { "COOKIE_KEYS_DIR", "/nowhere/at/all", "COOKIE_KEYS_DIR names a folder that is not there" },
        { "COOKIE_KEYS_DIR", "empty", "COOKIE_KEYS_DIR has no *.key file" },
        { "ADDRESS_PEPPER", "short", "ADDRESS_PEPPER is too short" },
        { "ADDRESS_PEPPER", "changeme-changeme-changeme-changeme", "ADDRESS_PEPPER looks like an example" },
        { "IDENTITY_KEY_FILE", null, "IDENTITY_KEY is missing" },
        { "BILLING_URL", "billing:5001", "BILLING_URL must be" },
        { "BILLING_URL", "http://127.0.0.1:1,billing", "BILLING_URL must be" },
        { "BILLING_URL", "http://127.0.0.1:1, http://127.0.0.1:1", "BILLING_URL names an address twice" },
        { "BILLING_HEALTH_URL", "http://127.0.0.1:1,http://127.0.0.1:2", "BILLING_HEALTH_URL must have as many addresses" },
        { "STAGING_API_STREAMS_URL", "http://127.0.0.1:1,http://127.0.0.1:2", "STAGING_API_STREAMS_URL must have as many addresses" },
        { "ENTITLEMENTS_URL", null, "ENTITLEMENTS_URL is missing" },
        { "STAGING_API_URL", null, "STAGING_API_URL is missing" },
        { "TLS_CERT", "a certificate", "TLS_KEY_FILE is missing" },
        { "TLS_KEY", "a key", "TLS_CERT_FILE is missing" },
        { "LIMITS", "none", "LIMITS must be on or off" },
        { "LIMIT_API", "100", "LIMIT_API must be limits such as" },
        { "LIMIT_SIGN_IN", "0/min burst 0", "LIMIT_SIGN_IN must be limits such as" },
        { "LIMIT_LISTING", "60/min burst 49", "LIMIT_LISTING must have bursts of 50" },
        { "GATEWAY_REPLICAS", "0", "GATEWAY_REPLICAS must be" },
        { "REDIS_CONNECTION", null, "REDIS_CONNECTION is missing" },
        { "TRUSTED_PROXIES", "everybody", "TRUSTED_PROXIES must be" },
        { "TRUSTED_PROXIES", "0.0.0.0/0", "TRUSTED_PROXIES must be" },
        { "COUNTRY_HEADER", "CF-IPCountry", "COUNTRY_HEADER is of no use" },
        { "TLS_IN_FRONT", "yes", "TLS_IN_FRONT must be" },
        { "TLS_IN_FRONT", "true", "TLS_IN_FRONT needs TRUSTED_PROXIES" },
        { "HTTP_REDIRECT_URL", "http://127.0.0.1:0", "HTTP_REDIRECT_URL is of no use" },
        { "CHALLENGE_PROVIDER", "riddle", "CHALLENGE_PROVIDER must be one of turnstile, hcaptcha, recaptcha" },
        { "MAX_CONNECTIONS", "0", "MAX_CONNECTIONS must be" },
    };

    [Fact]
    public async Task Production_is_not_served_without_https_or_limits()
    {
        var settings = new Dictionary<string, string>(shared.Stack.Settings, StringComparer.Ordinal) { ["ENVIRONMENT"] = "Production" };

        var error = await Should.ThrowAsync<SettingsException>(() => ServiceHost.StartAsync("gateway", settings, GatewayService.Compose));

        error.Problems.Count.ShouldBe(3);
        error.Problems.ShouldContain(problem => problem.StartsWith("PUBLIC_URL must be https in Production"));
        error.Problems.ShouldContain(problem => problem.StartsWith("TLS_CERT_FILE is missing: Production is served over https"));
        error.Problems.ShouldContain(problem => problem.StartsWith("LIMITS cannot be off in Production"));
    }

    [Fact]
    public async Task Production_is_served_behind_a_proxy_that_is_declared_to_speak_https()
    {
        await using var stack = await Stack.StartAsync((_, settings) =>
        {
            settings["ENVIRONMENT"] = "Production";
            settings["PUBLIC_URL"] = "https://homestage.test";
            settings["TLS_IN_FRONT"] = "true";
            settings["TRUSTED_PROXIES"] = "127.0.0.1";
            settings["LIMITS"] = "on";
        });
        using var client = stack.Client();

        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/plans", ("Host", "homestage.test"));

        answer.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK);
    }

    [Theory]
    [MemberData(nameof(Nonsense))]
    public async Task A_setting_that_makes_no_sense_stops_the_start_and_is_named(string name, string? value, string sentence)
    {
        using var folder = new TemporaryFolder();
        var settings = new Dictionary<string, string>(shared.Stack.Settings, StringComparer.Ordinal);
        if (value is null)
            settings.Remove(name);
        else
            settings[name] = value == "empty" ? folder.FullPath : value;

        var error = await Should.ThrowAsync<SettingsException>(() => ServiceHost.StartAsync("gateway", settings, GatewayService.Compose));

        error.Problems.ShouldHaveSingleItem().ShouldStartWith(sentence);
    }
}
