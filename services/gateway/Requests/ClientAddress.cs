using Microsoft.AspNetCore.Http.Features;

namespace HomeStage.Gateway.Requests;

/// <summary>
/// Where a request comes from: the connection's peer, or what trusted proxies say (see <see cref="TrustedProxies"/>).
/// </summary>
/// <param name="Hash">The <c>iph</c> that services count by.</param>
/// <param name="Subject">The address as limits count it.</param>
/// <param name="Network">The /48 of an IPv6 address as limits count it; null for IPv4.</param>
internal sealed record ClientAddress(string Hash, string Subject, string? Network)
{
    /// <summary>As <see cref="ClientAddresses"/> found it.</summary>
    internal static ClientAddress Of(HttpContext context) => context.Features.GetRequiredFeature<ClientAddress>();
}
