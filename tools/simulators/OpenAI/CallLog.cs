using System.Security.Cryptography;
using System.Text.Json;

namespace HomeStage.Simulators.OpenAI;

/// <summary>A file that was received, without its bytes.</summary>
internal sealed record ReceivedFile(string Field, string FileName, string? ContentType, long Bytes, string Sha256, int? Width, int? Height);

/// <summary>One call as it is shown at <c>/control/stats</c>.</summary>
internal sealed class Call
{
    public required string RequestId { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>Headers that say who calls and why; never the key.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    public IReadOnlyDictionary<string, string> Fields { get; set; } = new Dictionary<string, string>();

    public IReadOnlyList<ReceivedFile> Files { get; set; } = [];

    /// <summary>The fault that struck it.</summary>
    public string? Fault { get; set; }

    /// <summary>How many images were made, and would have been charged.</summary>
    public int Images { get; set; }

    /// <summary>HTTP status; null while it runs and when the connection was cut or given up.</summary>
    public int? Status { get; set; }

    public bool Finished { get; set; }

    public double DurationMs { get; set; }
}

/// <summary>Counts the calls for pictures, together and at once.</summary>
internal sealed class CallLog(TimeProvider time)
{
    private static readonly string[] ShownHeaders =
        ["User-Agent", "Content-Type", "OpenAI-Organization", "OpenAI-Project", "X-Client-Request-Id", "Idempotency-Key", "traceparent"];

    private readonly Lock _gate = new();
    private readonly List<Call> _calls = [];
    private int _inFlight;
    private int _maxInFlight;

    public Call Begin(HttpContext context, string requestId)
    {
        var headers = context.Request.Headers;
        var call = new Call
        {
            RequestId = requestId,
            At = time.GetUtcNow(),
            Headers = ShownHeaders.Where(headers.ContainsKey).ToDictionary(name => name, name => headers[name].ToString()),
        };
        lock (_gate)
        {
            _calls.Add(call);
            _maxInFlight = Math.Max(_maxInFlight, ++_inFlight);
        }
        return call;
    }

    public void End(Call call, int? status)
    {
        lock (_gate)
        {
            _inFlight--;
            call.Status = status;
            call.Finished = true;
            call.DurationMs = (time.GetUtcNow() - call.At).TotalMilliseconds;
        }
    }

    public void Received(Call call, IFormCollection form)
    {
        var fields = form.Keys.ToDictionary(name => name, name => form[name].ToString());
        var files = form.Files.Select(Describe).ToList();
        lock (_gate)
        {
            call.Fields = fields;
            call.Files = files;
        }
    }

    public void Made(Call call, int images)
    {
        lock (_gate)
            call.Images = images;
    }

    public void Clear()
    {
        lock (_gate)
        {
            _calls.RemoveAll(call => call.Finished);
            _maxInFlight = _inFlight;
        }
    }

    public IResult Show(IReadOnlyCollection<Completion> completions)
    {
        lock (_gate)
        {
            return Results.Text(JsonSerializer.Serialize(
                new { calls = _calls.Count, images = _calls.Sum(call => call.Images), inFlight = _inFlight, maxInFlight = _maxInFlight, requests = _calls, completions },
                JsonSerializerOptions.Web), "application/json");
        }
    }

    private static ReceivedFile Describe(IFormFile file)
    {
        using var stream = file.OpenReadStream();
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        var bytes = copy.ToArray();
        var header = ImageHeader.Read(bytes);
        return new ReceivedFile(
            file.Name, file.FileName, file.ContentType, file.Length, Convert.ToHexStringLower(SHA256.HashData(bytes)), header?.Width, header?.Height);
    }
}
