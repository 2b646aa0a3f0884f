using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using HomeStage.Testing;
using HomeStage.Tool.Servers;
using Xunit;

namespace HomeStage.Entitlements.Tests;

/// <summary>Two support people: <c>desk-1</c> may act, <c>desk-2</c> may read.</summary>
internal static class TestOperators
{
    internal const string Acting = "the token of the one who may act";
    internal const string Reading = "the token of the one who may read";

    internal static string Setting => $"desk-1 act {HashOf(Acting)}\ndesk-2 read {HashOf(Reading)}\n";

    internal static string HashOf(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
}

/// <summary>The broker user of the support API, with its few rights.</summary>
internal static class SupportBroker
{
    private const string Password = "for tests on loopback";

    internal static async Task<string> UrlAsync(RabbitMqFacts rabbitMq, TestVirtualHost virtualHost)
    {
        var name = $"support-{virtualHost.Name}";
        using var management = ManagementApi.Client(rabbitMq);
        var cancel = TestContext.Current.CancellationToken;
        using var user = await management.PutAsJsonAsync($"users/{name}", new { password = Password, tags = "" }, cancel);
        user.EnsureSuccessStatusCode();
        using var rights = await management.PutAsJsonAsync(
            $"permissions/{virtualHost.Name}/{name}", new { configure = "^$", write = @"^amq\.default$", read = "_error$" }, cancel);
        rights.EnsureSuccessStatusCode();
        return new UriBuilder(virtualHost.AdminUrl) { UserName = name, Password = Uri.EscapeDataString(Password) }.Uri.ToString();
    }
}
