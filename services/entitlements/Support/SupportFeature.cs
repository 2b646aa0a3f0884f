using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Messaging;
using HomeStage.Hosting.Support;
using HomeStage.Hosting.Telemetry;
using Microsoft.AspNetCore.Authentication;

namespace HomeStage.Entitlements.Support;

/// <summary>
/// The one door for support people: reads and commands on a listener of its own, for those whom <c>SUPPORT_OPERATORS</c> names. Reads
/// <c>SUPPORT_URL</c>, <c>SUPPORT_OPERATORS</c>, <c>SUPPORT_BROKER_URL</c> and <c>BILLING_URL</c>.
/// </summary>
internal static class SupportFeature
{
    internal static void AddSupport(this ServiceBuilder service)
    {
        service.AddSupportListener();
        service.AddInternalClient<BillingClient>(
            "billing", service.Settings.Urls("BILLING_URL", "the addresses of billing, e.g. http://127.0.0.1:5003"), BillingClient.Limit);
        service.Services.AddSingleton(SupportOperators.From(service.Settings));
        service.Services.AddSingleton(new DeadLetters(BrokerAddress.Read(service.Settings, "SUPPORT_BROKER_URL")));
        service.AddMetrics<SupportMetrics>();
        service.Services.AddSingleton<SupportDesk>();
        service.Services.AddAuthentication()
            .AddScheme<AuthenticationSchemeOptions, SupportAuthentication>(SupportAuthentication.SchemeName, null);
        service.MapSupport(routes =>
        {
            var read = routes.MapGroup("/support").RequireAuthorization(SupportAuthentication.MayRead);
            read.MapAccounts();
            read.MapOrders();
            read.MapAudit();
            read.MapBlocks();
            read.MapLedgerCheck();
            read.MapDeadLetters();
            var act = routes.MapGroup("/support").RequireAuthorization(SupportAuthentication.MayAct);
            act.MapGrantCommands();
            act.MapFreezeCommands();
            act.MapBlockCommands();
            act.MapOrderCommands();
            act.MapDeadLetterCommands();
        });
    }
}
