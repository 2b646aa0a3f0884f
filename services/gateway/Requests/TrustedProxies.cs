using System.Net;
using HomeStage.Hosting;
using HomeStage.Hosting.Configuration;
using Microsoft.AspNetCore.HttpOverrides;
using IPNetwork = System.Net.IPNetwork;

namespace HomeStage.Gateway.Requests;

/// <summary>The proxies in front of the gateway whose word about the client is taken; nobody else's is.</summary>
internal static class TrustedProxies
{
    /// <summary>
    /// Reads <c>TRUSTED_PROXIES</c> (addresses and networks) and <c>COUNTRY_HEADER</c>. From those peers, <c>X-Forwarded-For</c> is
    /// followed from right to left until an address that is not trusted, which is the client's, and <c>X-Forwarded-Proto</c> holds.
    /// </summary>
    internal static void AddTrustedProxies(this ServiceBuilder service)
    {
        var networks = Networks(service.Settings);
        var countryHeader = service.Settings.Optional("COUNTRY_HEADER");
        if (countryHeader is not null && networks.Count == 0)
            service.Settings.Refuse("COUNTRY_HEADER", "is of no use without TRUSTED_PROXIES: anybody could send it");
        if (networks.Count == 0)
            return;

        var forwarded = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto, ForwardLimit = null };
        forwarded.KnownProxies.Clear();
        forwarded.KnownIPNetworks.Clear();
        foreach (var network in networks)
            forwarded.KnownIPNetworks.Add(network);
        service.Use(app =>
        {
            if (countryHeader is not null)
            {
                app.Use((context, next) =>
                {
                    if (context.Connection.RemoteIpAddress is { } peer && networks.Exists(network => network.Contains(peer.IsIPv4MappedToIPv6 ? peer.MapToIPv4() : peer)))
                        ClientCountry.Keep(context, context.Request.Headers[countryHeader].ToString());
                    return next(context);
                });
            }

            app.UseForwardedHeaders(forwarded);
        });
    }

    private static List<IPNetwork> Networks(Settings settings)
    {
        var networks = new List<IPNetwork>();
        foreach (var text in settings.Optional("TRUSTED_PROXIES")?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [])
        {
            if (IPNetwork.TryParse(text, out var network) && network.PrefixLength > 0)
                networks.Add(network);
            else if (IPAddress.TryParse(text, out var address))
                networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
            else
                settings.Refuse("TRUSTED_PROXIES", "must be addresses and networks such as 10.0.0.0/8, separated by commas, and not everybody");
        }

        return networks;
    }
}

/// <summary>The client's country as a trusted proxy says it, for security events.</summary>
internal sealed record ClientCountry(string Code)
{
    internal static void Keep(HttpContext context, string code)
    {
        if (code.Length == 2 && char.IsAsciiLetter(code[0]) && char.IsAsciiLetter(code[1]))
            context.Features.Set(new ClientCountry(code.ToUpperInvariant()));
    }

    internal static string? Of(HttpContext context) => context.Features.Get<ClientCountry>()?.Code;
}
