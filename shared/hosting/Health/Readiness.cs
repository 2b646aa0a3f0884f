using Microsoft.Extensions.Configuration;

namespace HomeStage.Hosting.Health;

/// <summary>Asks a running service whether it is ready.</summary>
internal static class Readiness
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    /// <summary>Asks the service at <c>MANAGEMENT_URL</c> of this environment or command line.</summary>
    /// <returns>0 if it is ready, else 1.</returns>
    public static async Task<int> AskAsync(string[] args)
    {
        var configuration = new ConfigurationBuilder().AddEnvironmentVariables().AddCommandLine([.. args.Where(arg => arg.StartsWith('-'))]).Build();
        if (!Uri.TryCreate(configuration["MANAGEMENT_URL"], UriKind.Absolute, out var url))
            return 1;
        // The service listens on every address of its container, by whatever name.
        var here = new UriBuilder(url) { Host = url.IsLoopback ? url.Host : "127.0.0.1", Path = "/health/ready" }.Uri;
        using var client = new HttpClient { Timeout = Limit };
        try
        {
            using var answer = await client.GetAsync(here);
            return answer.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception away) when (away is HttpRequestException or OperationCanceledException)
        {
            return 1;
        }
    }
}
