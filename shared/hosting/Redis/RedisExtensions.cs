using HomeStage.Hosting.Configuration;
using HomeStage.Hosting.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace HomeStage.Hosting.Redis;

/// <summary>The connection to Redis.</summary>
public static class RedisExtensions
{
    /// <summary>Adds <see cref="RedisConnection"/>; reads <c>REDIS_CONNECTION</c>, <c>REDIS_TIMEOUT_MS</c> and <c>TRUSTED_CA_FILE</c>. The service starts without Redis.</summary>
    public static void AddRedis(this ServiceBuilder service)
    {
        var text = service.Settings.Required("REDIS_CONNECTION", "host:port,password=… of Redis");
        try
        {
            ConfigurationOptions.Parse(text);
        }
        catch (ArgumentException)
        {
            service.Settings.Refuse("REDIS_CONNECTION", "must be host:port followed by options such as password=…");
        }

        var limit = service.Settings.WholeNumber("REDIS_TIMEOUT_MS", 100, 10, 10_000, "how long a call to Redis may take, in ms");
        var authority = TrustedAuthority.Read(service.Settings);
        service.AddMetrics<RedisMetrics>();
        service.Services.AddSingleton(provider => new RedisConnection(text, TimeSpan.FromMilliseconds(limit), authority, provider.GetRequiredService<RedisMetrics>()));
    }
}
