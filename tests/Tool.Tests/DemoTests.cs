using HomeStage.Testing;
using HomeStage.Tool.Demo;
using HomeStage.Tool.Deployments;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Spectre.Console;
using Xunit;

namespace HomeStage.Tool.Tests;

public sealed class DemoTests
{
    [Fact]
    public async Task A_purchase_is_done_when_the_credits_of_its_own_order_are_there()
    {
        using var folder = new TemporaryFolder();
        var looks = 0;
        await using var system = await LocalWeb.StartAsync(web =>
        {
            web.MapPost("/api/v1/checkout", (HttpRequest request) => new { orderId = "new", url = $"http://{request.Host}/page" });
            web.MapPost("/page/pay", () => Results.Ok());
            // Two credits of an older order, and those of the new one at the third look.
            web.MapGet("/api/v1/credits", () => ++looks < 3
                ? new { available = 2, grants = new[] { new { orderId = "old" } } }
                : new { available = 22, grants = new[] { new { orderId = "old" }, new { orderId = "new" } } });
        });
        using var gateway = new GatewayClient(Place.Elsewhere(new Uri(system.Urls.First()), certificate: null, new DataFolder(folder.FullPath)));

        await Purchase.BuyAsync(gateway, AnsiConsole.Console, TestContext.Current.CancellationToken);

        looks.ShouldBe(3);
    }

    [Fact]
    public void Every_system_elsewhere_has_a_session_of_its_own_and_trusts_no_certificate_of_this_one()
    {
        using var folder = new TemporaryFolder();
        var data = new DataFolder(folder.FullPath);
        Directory.CreateDirectory(Path.GetDirectoryName(data.Certificate)!);
        File.WriteAllText(data.Certificate, "");

        Place[] places = [Place.Here("https://localhost:8443", data), .. ((string[])["https://localhost:8443/", "https://homestage.example", "http://homestage.example", "https://[::1]:8443"])
            .Select(url => Place.Elsewhere(new Uri(url), certificate: null, data))];

        places.Select(place => Path.GetFileName(place.SessionFile)).ShouldBe(
            ["session", "session-https-localhost-8443", "session-https-homestage.example-443", "session-http-homestage.example-80", "session-https-__1-8443"]);
        places.Select(place => place.Certificate).ShouldBe([data.Certificate, null, null, null, null]);
    }

    [Theory]
    [InlineData("localhost:8443")]
    [InlineData("homestage.example")]
    public async Task What_is_no_address_is_refused(string url)
    {
        var (code, output) = await CommandTests.RunAsync("demo", "--url", url);

        code.ShouldBe(1);
        output.ShouldContain($"'{url}' is not the address of a system");
    }
}
