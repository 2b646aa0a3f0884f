using System.Net;
using System.Net.Http.Json;
using Spectre.Console;

namespace HomeStage.Tool.Demo;

/// <summary>Buys credits as a person does: an order, the provider's hosted page, and then the wait for the webhook to do its work.</summary>
internal static class Purchase
{
    private const string Plan = "value";
    private static readonly TimeSpan SimulatedPatience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan PersonsPatience = TimeSpan.FromMinutes(30);

    public static async Task BuyAsync(GatewayClient gateway, IAnsiConsole console, CancellationToken cancel)
    {
        var order = await gateway.PostAsync("/api/v1/checkout", JsonContent.Create(new { plan = Plan }), cancel);
        var page = new Uri((string)order["url"]!);
        var simulated = page.IsLoopback;
        if (simulated)
        {
            console.MarkupLineInterpolated($"Too few credits: buying the [bold]{Plan}[/] pack at the simulated Stripe ({page.GetLeftPart(UriPartial.Authority)})…");
            await PayAsync(page, cancel);
        }
        else
        {
            console.MarkupLineInterpolated($"Too few credits, and Stripe is real. Pay the [bold]{Plan}[/] pack here; the demo waits for it:");
            console.WriteLine(page.AbsoluteUri);
        }
        await UntilCreditedAsync(gateway, simulated ? SimulatedPatience : PersonsPatience, (string)order["orderId"]!, console, cancel);
    }

    /// <summary>Presses the simulated page's Pay button; the page sends a browser back to us, which nobody has to follow here.</summary>
    private static async Task PayAsync(Uri page, CancellationToken cancel)
    {
        using var browser = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var form = new FormUrlEncodedContent([]);
        using var answer = await browser.PostAsync(new Uri(page.GetLeftPart(UriPartial.Path) + "/pay"), form, cancel);
        if (answer.StatusCode is not HttpStatusCode.SeeOther && !answer.IsSuccessStatusCode)
            throw new ToolException($"The simulated Stripe page {page} answered {(int)answer.StatusCode} to Pay; its log is stripe-simulator.log in the data folder's logs/.");
    }

    private static async Task UntilCreditedAsync(GatewayClient gateway, TimeSpan patience, string orderId, IAnsiConsole console, CancellationToken cancel)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var credits = await gateway.GetAsync("/api/v1/credits", cancel);
            if (credits["grants"]!.AsArray().Any(grant => (string?)grant!["orderId"] == orderId))
            {
                console.MarkupLineInterpolated($"Paid; the signed webhook has arrived: [bold]{credits["available"]}[/] credits after {TimeProvider.System.GetElapsedTime(started).TotalSeconds:0.0} s.");
                return;
            }

            if (TimeProvider.System.GetElapsedTime(started) > patience)
                throw new ToolException($"The order {orderId} brought no credits within {patience.TotalMinutes:0} min. GET /api/v1/orders/{orderId} says its status; the logs of billing and entitlements are in the data folder's logs/.");
            await Task.Delay(200, cancel);
        }
    }
}
