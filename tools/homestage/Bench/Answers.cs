using System.Net;

namespace HomeStage.Tool.Bench;

/// <summary>Waits for servers that a benchmark started.</summary>
internal static class Answers
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Returns when an address answers 200.</summary>
    /// <exception cref="ToolException">It did not within 30 s.</exception>
    public static async Task UntilOkAsync(Uri url, CancellationToken cancel)
    {
        using var client = new HttpClient();
        for (var began = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(began) < Limit; await Task.Delay(100, cancel))
        {
            try
            {
                using var answer = await client.GetAsync(url, cancel);
                if (answer.StatusCode == HttpStatusCode.OK)
                    return;
            }
            catch (HttpRequestException)
            {
                // Not there yet.
            }
        }

        throw new ToolException($"{url} did not answer.");
    }
}
