using HomeStage.Gateway.Challenges;
using HomeStage.Gateway.Csrf;
using HomeStage.Gateway.Description;
using HomeStage.Gateway.Headers;
using HomeStage.Gateway.Identity;
using HomeStage.Gateway.Limits;
using HomeStage.Gateway.Page;
using HomeStage.Gateway.Proxy;
using HomeStage.Gateway.Requests;
using HomeStage.Gateway.Sessions;
using HomeStage.Gateway.SignIn;
using HomeStage.Gateway.Telemetry;
using HomeStage.Gateway.Tls;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;

namespace HomeStage.Gateway;

/// <summary>What the gateway is made of.</summary>
internal static class GatewayService
{
    internal static void Compose(ServiceBuilder service)
    {
        service.AddTls();
        service.AddGatewayTelemetry();
        var publicUrl = service.AddOrigins();
        var challenge = service.AddChallenges(publicUrl);

        // In the order that a request meets them.
        service.AddTrustedProxies();
        service.AddClientAddresses();
        service.AddSecurityHeaders(challenge);
        service.AddRequestRules();
        service.AddPublicAddress(publicUrl);
        service.AddCors();
        service.AddPathRules();
        service.AddBlockedAddresses();
        service.AddRateLimits();
        service.AddPage();
        service.AddSessions();
        service.AddSignIn();

        service.AddIdentity(callers: [], calls: true);
        service.AddCallers();
        service.AddProxy();
        service.AddPublicDescription();
    }
}
