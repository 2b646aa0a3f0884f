using System.Text.Json;

namespace HomeStage.Simulators.OpenAI;

/// <summary>The answer to <c>stream=true</c>: <c>image_edit.partial_image</c> events over the latency, then <c>image_edit.completed</c>.</summary>
internal sealed class ImageEditStream(ImageEdit edit, IReadOnlyList<string> images, TimeSpan latency, TimeProvider time) : IResult
{
    private static readonly JsonSerializerOptions Wire = new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        var cancel = httpContext.RequestAborted;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache";
        await response.StartAsync(cancel);
        var step = latency / (edit.PartialImages + 1);
        for (var index = 0; index < edit.PartialImages; index++)
        {
            await Task.Delay(step, time, cancel);
            foreach (var image in images)
                await Send("image_edit.partial_image", image, index, usage: null);
        }
        await Task.Delay(step, time, cancel);
        foreach (var image in images)
            await Send("image_edit.completed", image, partial: null, Usage.Of(edit, 1));

        async Task Send(string type, string image, int? partial, Usage? usage)
        {
            var data = new Dictionary<string, object?>
            {
                ["type"] = type,
                ["b64_json"] = image,
                ["background"] = edit.Background,
                ["created_at"] = time.GetUtcNow().ToUnixTimeSeconds(),
                ["output_format"] = edit.OutputFormat,
                ["quality"] = edit.Quality,
                ["size"] = edit.Size.ToString(),
            };
            if (partial is not null)
                data["partial_image_index"] = partial;
            if (usage is not null)
                data["usage"] = usage;
            await response.WriteAsync($"event: {type}\ndata: {JsonSerializer.Serialize(data, Wire)}\n\n", cancel);
            await response.Body.FlushAsync(cancel);
        }
    }
}
