using System.Net;

namespace HomeStage.Hosting.Health;

/// <summary>Addresses of listeners.</summary>
public static class Listeners
{
    /// <summary>Where to listen for an address such as <c>http://127.0.0.1:5001</c>; <c>localhost</c> is IPv4 loopback, other names are every address.</summary>
    public static IPEndPoint EndPointOf(Uri url)
    {
        var host = url.Host.Trim('[', ']');
        if (string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase))
            return new IPEndPoint(IPAddress.Loopback, url.Port);
        return new IPEndPoint(IPAddress.TryParse(host, out var address) ? address : IPAddress.IPv6Any, url.Port);
    }
}
