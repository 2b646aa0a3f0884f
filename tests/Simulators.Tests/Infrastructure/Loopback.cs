using System.Net;
using System.Net.Sockets;

namespace HomeStage.Simulators.Tests.Infrastructure;

internal static class Loopback
{
    public static Uri FreeUrl()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
    }
}
