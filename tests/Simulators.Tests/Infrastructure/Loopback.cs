using HomeStage.Tool.Servers;

namespace HomeStage.Simulators.Tests.Infrastructure;

internal static class Loopback
{
    public static Uri FreeUrl() => new($"http://127.0.0.1:{FreePorts.Next()}");
}
