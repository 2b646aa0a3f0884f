using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using HomeStage.Testing;
using HomeStage.Tool;

namespace HomeStage.Browser.Tests;

/// <summary>The API document that a running gateway serves, and what was answered by the operations in it.</summary>
internal sealed class Contract
{
    private readonly string _document;
    private readonly List<(string Method, string Path, Regex Pattern)> _operations;
    private readonly List<Exchange> _exchanges = [];

    private Contract(string document)
    {
        _document = document;
        _operations =
        [
            .. JsonNode.Parse(document)!["paths"]!.AsObject()
                .SelectMany(path => path.Value!.AsObject().Select(operation => (operation.Key.ToUpperInvariant(), path.Key, Pattern(path.Key))))
                // What is written out goes before what any value may stand for.
                .OrderBy(operation => operation.Item2.Count(letter => letter == '{')),
        ];
    }

    /// <summary>Operations without an answer of one of the two kinds, <c>GET /api/v1/plans: no refusal</c>.</summary>
    internal IEnumerable<string> Missing =>
        from operation in _operations
        let statuses = _exchanges.Where(exchange => (exchange.Method, exchange.Path) == (operation.Method, operation.Path)).Select(exchange => exchange.Status).ToList()
        from what in (string[])[.. statuses.Exists(status => status < 400) ? (string[])[] : ["no success"], .. statuses.Exists(status => status >= 400) ? (string[])[] : ["no refusal"]]
        select $"{operation.Method} {operation.Path}: {what}";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    internal static async Task<Contract> ReadAsync(HttpClient client) => new(await client.GetStringAsync("/openapi/v1.json", Cancel));

    /// <summary>Calls an operation, and keeps its answer to be held against the document.</summary>
    /// <param name="client">Who calls.</param>
    /// <param name="method">The method.</param>
    /// <param name="path">Path and query.</param>
    /// <param name="status">What must be answered.</param>
    /// <param name="body">Sent as it is if it is content, else as JSON.</param>
    /// <param name="headers">More headers, e.g. <c>Host</c>.</param>
    /// <param name="until">Of a stream, the event to stop after; its end if not said.</param>
    /// <returns>The body: of JSON what it says, of a stream its text, else null; and the headers.</returns>
    internal async Task<(JsonNode? Json, HttpResponseMessage Answer)> CallAsync(
        HttpClient client, string method, string path, int status, object? body = null, Action<HttpRequestHeaders>? headers = null, string? until = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        headers?.Invoke(request.Headers);
        if (body is not null)
            request.Content = body as HttpContent ?? new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
        using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        var type = answer.Content.Headers.ContentType?.MediaType;
        var text = type?.StartsWith("image/", StringComparison.Ordinal) is true || type == "application/zip" ? "(bytes)" : await ReadAsync(answer, until);
        ((int)answer.StatusCode).ShouldBe(status, $"{method} {path}: {text}");
        Add(method, path.Split('?')[0], status, type, text);
        return (type?.EndsWith("json", StringComparison.Ordinal) is true ? JsonNode.Parse(text) : text, answer);
    }

    /// <summary>What was not answered as the document says.</summary>
    internal async Task<IReadOnlyList<string>> ProblemsAsync()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("document.json"), _document, Cancel);
        await File.WriteAllTextAsync(folder.File("exchanges.json"), JsonSerializer.Serialize(_exchanges, JsonSerializerOptions.Web), Cancel);
        var (code, output, errors) = await NodeProgram.RunAsync(
            Path.Combine(SourceTree.Root, "tests", "npm", "openapi.mjs"), [folder.File("document.json"), folder.File("exchanges.json")]);
        code.ShouldBe(0, errors);
        return JsonSerializer.Deserialize<string[]>(output)!;
    }

    private static Regex Pattern(string path) => new("^" + Regex.Replace(Regex.Escape(path), @"\\\{[^/]+}", "[^/]+", RegexOptions.None, TimeSpan.FromSeconds(1)) + "$", RegexOptions.NonBacktracking);

    private static async Task<string> ReadAsync(HttpResponseMessage answer, string? until)
    {
        if (until is null || !answer.IsSuccessStatusCode)
            return await answer.Content.ReadAsStringAsync(Cancel);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(Cancel));
        var text = new StringBuilder();
        var found = false;
        while (await reader.ReadLineAsync(Cancel) is { } line)
        {
            text.Append(line).Append('\n');
            found |= line == "event: " + until;
            if (found && line.Length == 0)
                break;
        }

        return text.ToString();
    }

    private void Add(string method, string path, int status, string? type, string body)
    {
        var operation = _operations.Find(one => one.Method == method && one.Pattern.IsMatch(path));
        operation.Path.ShouldNotBeNull($"{method} {path} is not in the document");
        _exchanges.Add(new Exchange(method, operation.Path, status, type, body));
    }

    private sealed record Exchange(string Method, string Path, int Status, string? Type, string Body);
}
