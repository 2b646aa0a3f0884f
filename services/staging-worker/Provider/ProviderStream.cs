using System.Net.ServerSentEvents;
using System.Text.Json;

namespace HomeStage.Worker.Provider;

/// <summary>
/// A streamed answer: <c>image_edit.partial_image</c> any number of times, then <c>image_edit.completed</c> (OpenAI's API reference, image edit
/// streaming events). Only what is completed is a picture.
/// </summary>
internal static class ProviderStream
{
    internal const string MediaType = "text/event-stream";

    private const string Partial = "image_edit.partial_image";
    private const string Completed = "image_edit.completed";

    /// <summary>Reads until the picture is completed.</summary>
    /// <param name="stream">The body of the answer.</param>
    /// <param name="partial">Gets each partial image; must return at once.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The answer; null when an event makes no sense.</returns>
    /// <exception cref="EndOfStreamException">The stream ended before the picture was completed.</exception>
    /// <exception cref="StreamedErrorException">The provider gave up.</exception>
    internal static async Task<ProviderAnswer?> ReadAsync(Stream stream, Action<byte[]> partial, CancellationToken cancellationToken)
    {
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(cancellationToken))
        {
            if (item.Data.Length == 0 || item.Data == "[DONE]")
                continue;
            try
            {
                using var json = JsonDocument.Parse(item.Data);
                if (json.RootElement.ValueKind != JsonValueKind.Object)
                    return null;
                switch (ProviderAnswer.Text(json.RootElement, "type") ?? item.EventType)
                {
                    case Partial when ProviderAnswer.PictureOf(json.RootElement) is { } picture:
                        partial(picture);
                        break;
                    case Completed:
                        return ProviderAnswer.OfCompleted(json.RootElement);
                    case "error":
                        var (code, type) = ProviderAnswer.ErrorOf(json.RootElement);
                        throw new StreamedErrorException(code, type);
                }
            }
            catch (JsonException)
            {
                return null;
            }
        }

        throw new EndOfStreamException("The provider's stream ended before the picture was completed.");
    }
}

/// <summary>An error that came in the stream, after the provider had answered 200.</summary>
internal sealed class StreamedErrorException(string? code, string? type) : Exception("The provider's stream said that it failed.")
{
    private static readonly string[] Limits = ["rate_limit_exceeded", "insufficient_quota"];

    /// <summary>The error as if it had been the answer.</summary>
    internal ProviderRefusal AsRefusal() => new(
        Limits.Contains(code) || Limits.Contains(type) ? 429 : ProviderFailures.IsModeration(code) ? 400 : 500, code, type, _ => null);
}
