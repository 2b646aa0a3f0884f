using HomeStage.Simulators.Faults;
using HomeStage.Simulators.OpenAI.Painting;

namespace HomeStage.Simulators.OpenAI;

/// <summary>An answered edit, field by field as on the wire.</summary>
internal sealed record EditedImage(string B64Json);

internal sealed record EditAnswer(
    long Created, string Background, IReadOnlyList<EditedImage> Data, string OutputFormat, string Quality, string Size, Usage Usage);

/// <summary><c>POST /v1/images/edits</c>.</summary>
internal static class ImageEditEndpoint
{
    public static void MapImageEdits(this IEndpointRouteBuilder app) => app.MapPost("/v1/images/edits", Edit);

    private static async Task<IResult> Edit(HttpContext context, RateLimits limits, OpenAiBehaviour behaviour, CallLog log, TimeProvider time)
    {
        var cancel = context.RequestAborted;
        var started = time.GetTimestamp();
        if (!context.Request.HasFormContentType)
            throw OpenAiException.Invalid($"Unsupported content type: '{context.Request.ContentType}'. This API method only accepts 'multipart/form-data' requests.", null, "unsupported_content_type");
        var form = await context.Request.ReadFormAsync(cancel);
        var call = context.Features.Get<Call>()!;
        log.Received(call, form);
        var edit = await ImageEdit.Read(form, cancel);
        limits.Take(edit, Usage.Of(edit, edit.N).TotalTokens);
        limits.WriteHeaders(context.Response.Headers);

        var images = await Task.Run(() => Paint(edit, context.Features.Get<Fault>()), cancel);
        log.Made(call, images.Count);
        if (edit.Stream)
            return new ImageEditStream(edit, images, behaviour.Latency, time);
        await Task.Delay(Remaining(behaviour.Latency, time.GetElapsedTime(started)), time, cancel);
        context.Response.Headers["openai-processing-ms"] = ((long)time.GetElapsedTime(started).TotalMilliseconds).ToString();
        return Results.Json(new EditAnswer(
            time.GetUtcNow().ToUnixTimeSeconds(), edit.Background, [.. images.Select(image => new EditedImage(image))],
            edit.OutputFormat, edit.Quality, edit.Size.ToString(), Usage.Of(edit, images.Count)));
    }

    private static List<string> Paint(ImageEdit edit, Fault? fault)
    {
        var format = fault?.Kind != FaultKind.WrongImageType ? edit.OutputFormat : edit.OutputFormat == "png" ? "jpeg" : "png";
        if (fault?.Kind == FaultKind.EmptyData)
            return [];
        return [.. Enumerable.Range(0, edit.N).Select(variation => Convert.ToBase64String(
            fault?.Kind == FaultKind.NotAnImage ? "This is not an image."u8.ToArray() : Draw(variation)))];

        byte[] Draw(int variation)
        {
            try
            {
                return RoomPainter.Paint(
                    edit.Images[0].Bytes, edit.Size.Width, edit.Size.Height,
                    PromptReading.Room(edit.Prompt), PromptReading.Style(edit.Prompt), format, variation);
            }
            catch (PhotoUnreadableException)
            {
                throw OpenAiException.Unreadable(1);
            }
        }
    }

    private static TimeSpan Remaining(TimeSpan latency, TimeSpan elapsed) => latency > elapsed ? latency - elapsed : TimeSpan.Zero;
}
