using HomeStage.Hosting;
using HomeStage.Hosting.Configuration;
using HomeStage.Testing;

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
        { "ENTITLEMENTS_URL", null, "ENTITLEMENTS_URL is missing" },
        { "STAGING_API_URL", null, "STAGING_API_URL is missing" },
        { "TLS_CERT", "a certificate", "TLS_KEY_FILE is missing" },
        { "TLS_KEY", "a key", "TLS_CERT_FILE is missing" },
    };

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
