using System.Text.Json;
using System.Text.Json.Serialization;
using HomeStage.Simulators.Faults;
using Microsoft.AspNetCore.Http.Features;

namespace HomeStage.Simulators;

/// <summary>What both peers share: a quiet Kestrel on one address, faults, control and health.</summary>
internal static class SimulatorHost
{
    /// <summary>More than any request that the vendors document (16 images of 50 MB).</summary>
    private const long MaxBody = 850L * 1024 * 1024;

    public static WebApplicationBuilder CreateBuilder(Uri url, WriteFaultError writeError)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = Environments.Production });
        builder.WebHost.UseUrls(url.GetLeftPart(UriPartial.Authority));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBody;
        });
        builder.Logging.ClearProviders().AddSimpleConsole(console => console.SingleLine = true).SetMinimumLevel(LogLevel.Warning)
            .AddFilter("HomeStage", LogLevel.Information)
            .AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Information);
        builder.Services.Configure<FormOptions>(form =>
        {
            form.MultipartBodyLengthLimit = MaxBody;
            form.ValueLengthLimit = 1024 * 1024;
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(2));
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
            json.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.Never;
        });
        builder.Services.AddSingleton(TimeProvider.System).AddSingleton<FaultQueue>().AddSingleton(writeError);
        return builder;
    }

    public static void MapControl(this WebApplication app)
    {
        app.MapGet("/health/live", () => Results.Text("ok"));
        app.MapGet("/health/ready", () => Results.Text("ok"));
        app.MapFaults();
    }
}
