using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Xunit;

namespace HomeStage.Tool.Tests;

/// <summary>Something on loopback that answers as a test says.</summary>
internal static class LocalWeb
{
    public static async Task<WebApplication> StartAsync(Action<WebApplication> compose)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        compose(app);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }
}
