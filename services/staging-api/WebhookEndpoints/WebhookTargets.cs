using System.Net;
using System.Net.Sockets;
using HomeStage.Hosting.Configuration;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HomeStage.Staging.WebhookEndpoints;

/// <summary>A customer's address leads to where customers' addresses must not lead; the message is for logs.</summary>
internal sealed class AddressRefusedException() : Exception("The address is not a public one.");

/// <summary>
/// Which addresses of customers are called: https on the public internet. Names are judged by the addresses that they resolve to, when an endpoint
/// is made and again by whoever connects, so that a name which changes its mind in between gains nothing.
/// </summary>
/// <param name="local">Networks of this machine or test that may be called too, also by plain http and at any port; none in Production.</param>
internal sealed class WebhookTargets(IReadOnlyList<IPNetwork> local)
{
    internal const int LongestUrl = 2048;

    private static readonly int[] Ports = [443, 8443];
    private static readonly TimeSpan ResolveLimit = TimeSpan.FromSeconds(5);

    // IANA's special-purpose registry, multicast and what is reserved; and the address inside Azure that answers to every machine there.
    private static readonly IPNetwork[] NotPublic =
    [
        .. ((string[])[
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3", "168.63.129.16/32",
            // Protocol assignments with Teredo, documentation, 6to4.
            "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
        ]).Select(IPNetwork.Parse),
    ];

    // Of IPv6 only this is global unicast: not loopback, link-local, unique local, multicast, NAT64, what stands for an IPv4 address.
    private static readonly IPNetwork GlobalUnicast = IPNetwork.Parse("2000::/3");

    /// <summary>Reads <c>WEBHOOK_LOCAL_NETWORKS</c>.</summary>
    internal static WebhookTargets Read(Settings settings)
    {
        const string name = "WEBHOOK_LOCAL_NETWORKS";
        var networks = new List<IPNetwork>();
        if (settings.Optional(name) is not { } text)
            return new(networks);
        if (settings.Production)
            settings.Refuse(name, "opens networks of our own to customers' webhooks, and is refused in Production");
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (IPNetwork.TryParse(part, out var network))
                networks.Add(network);
            else
                settings.Refuse(name, "must be networks such as 127.0.0.0/8, separated by commas");
        }

        return new(networks);
    }

    /// <summary>Why an address cannot be an endpoint's; null if it can.</summary>
    internal async Task<ProblemHttpResult?> RefusalAsync(string url, CancellationToken cancellationToken)
    {
        if (url.Length > LongestUrl || !Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Fragment.Length > 0 || uri.HostNameType == UriHostNameType.Unknown)
            return Rejected("malformed", $"Use an address such as https://hooks.example.com/homestage, of at most {LongestUrl} characters and without a fragment.");
        if (uri.Scheme != Uri.UriSchemeHttps && (uri.Scheme != Uri.UriSchemeHttp || local.Count == 0))
            return Rejected("not_https", "Use https.");
        if (uri.UserInfo.Length > 0)
            return Rejected("credentials", "Leave the user name and password out: the signature says who calls.");
        if (local.Count == 0 && !Ports.Contains(uri.Port))
            return Rejected("port", "Use port 443 or 8443.");
        try
        {
            await ResolveAsync(uri, cancellationToken);
            return null;
        }
        catch (AddressRefusedException)
        {
            return Rejected("private_address", "Use an address on the public internet; what lies in private networks is not called.");
        }
        catch (Exception error) when (error is SocketException or TimeoutException)
        {
            return Rejected("unresolvable", "The name was not found in the DNS. Check it, or try again once it is there.");
        }
    }

    /// <summary>The addresses of a host that may be called; one at least.</summary>
    /// <exception cref="AddressRefusedException">None may be.</exception>
    /// <exception cref="SocketException">The name cannot be resolved.</exception>
    /// <exception cref="TimeoutException">It takes too long.</exception>
    internal async Task<IReadOnlyList<IPAddress>> ResolveAsync(Uri uri, CancellationToken cancellationToken)
    {
        var host = uri.IdnHost;
        var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancellationToken).WaitAsync(ResolveLimit, cancellationToken);
        var allowed = addresses.Where(address => Allows(address, uri)).ToList();
        return allowed.Count > 0 ? allowed : throw new AddressRefusedException();
    }

    /// <summary>Whether an address is a public one.</summary>
    internal static bool IsPublic(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return (plain.AddressFamily == AddressFamily.InterNetwork || GlobalUnicast.Contains(plain)) && !NotPublic.Any(network => network.Contains(plain));
    }

    private bool Allows(IPAddress address, Uri uri) =>
        local.Any(network => network.Contains(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address))
        || (uri.Scheme == Uri.UriSchemeHttps && Ports.Contains(uri.Port) && IsPublic(address));

    private static ProblemHttpResult Rejected(string reason, string detail) => Problem.Result(ProblemCode.WebhookUrlRejected, detail, ("reason", reason));
}
