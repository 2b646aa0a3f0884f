using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using HomeStage.Tool.Deployments;

namespace HomeStage.Tool.Support;

/// <summary>Where the support API is and who asks: said on the command line, in the environment, or by the data folder of a running <c>up</c>.</summary>
internal sealed record SupportAccess(string Url, string Token)
{
    public const string UrlSetting = "SUPPORT_URL";
    public const string TokenSetting = "SUPPORT_TOKEN";

    /// <exception cref="ToolException">Nothing says where, or who.</exception>
    public static SupportAccess Find(string? url, DataFolder data)
    {
        var folder = File.Exists(data.EnvFile) ? EnvFile.Read(data.EnvFile) : new Dictionary<string, string>(StringComparer.Ordinal);
        return new(url ?? Of(UrlSetting), Of(TokenSetting));

        string Of(string setting) => Environment.GetEnvironmentVariable(setting) is { Length: > 0 } given
            ? given
            : folder.GetValueOrDefault(setting) ?? throw new ToolException(
                $"{setting} is not known. Start the system with './homestage up', name its folder with --data, or set {UrlSetting} and {TokenSetting} in the environment.");
    }
}

/// <summary>One request to the support API.</summary>
/// <param name="Method">The method.</param>
/// <param name="Path">Below the API's address, e.g. <c>support/audit</c>.</param>
/// <param name="Body">What is sent as JSON.</param>
internal sealed record SupportRequest(HttpMethod Method, string Path, object? Body = null)
{
    public static SupportRequest Get(string path) => new(HttpMethod.Get, path);

    public static SupportRequest Post(string path, object body) => new(HttpMethod.Post, path, body);
}

/// <summary>Speaks to the support API of entitlements.</summary>
internal sealed class SupportApi(SupportAccess access)
{
    // A reconciliation over days of events, or an audit of the whole ledger, takes its time.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(6);

    /// <summary>Sends it and gives the answer.</summary>
    /// <param name="request">The request.</param>
    /// <param name="key">A command sent again with the same key is carried out once.</param>
    /// <param name="cancel">Gives up waiting; a command may have been carried out.</param>
    /// <exception cref="ToolException">It was refused, or there was no answer; the message names the key where the command may have been carried out.</exception>
    public async Task<JsonNode> SendAsync(SupportRequest request, string key, CancellationToken cancel)
    {
        using var client = new HttpClient { BaseAddress = new Uri(access.Url.TrimEnd('/') + "/"), Timeout = Limit };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", access.Token);
        using var message = new HttpRequestMessage(request.Method, request.Path);
        if (request.Body is { } body)
        {
            message.Content = JsonContent.Create(body);
            message.Headers.Add("Idempotency-Key", key);
        }

        // Under another key it would be another command: credits given twice.
        var again = request.Body is null ? "" : $" The command may have been carried out all the same; sent again with --key {key}, it is carried out once.";
        try
        {
            using var answer = await client.SendAsync(message, cancel);
            var text = await answer.Content.ReadAsStringAsync(cancel);
            return answer.IsSuccessStatusCode
                ? JsonNode.Parse(text)!
                : throw new ToolException(Refusal((int)answer.StatusCode, text) + (answer.StatusCode >= HttpStatusCode.InternalServerError ? again : ""));
        }
        catch (HttpRequestException error)
        {
            throw new ToolException($"The support API at {access.Url} does not answer ({error.Message}).{again}", error);
        }
        catch (OperationCanceledException error)
        {
            throw new ToolException(
                (cancel.IsCancellationRequested ? "Stopped before there was an answer." : $"The support API at {access.Url} did not answer within {Limit.TotalMinutes:0} minutes.") + again, error);
        }
    }

    private static string Refusal(int status, string text)
    {
        JsonNode? problem = null;
        try
        {
            problem = JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            // Not one of our answers: the status has to do.
        }

        return problem is JsonObject
            ? $"Refused with {status} {problem["code"]}: {problem["detail"] ?? problem["title"]}{(problem["errors"] is JsonObject errors ? " " + errors.ToJsonString() : "")}"
            : $"Refused with {status}.";
    }
}
