using System.Text.Json;
using Microsoft.Net.Http.Headers;

namespace HomeStage.Gateway.Limits;

/// <summary>Counts the photos of a listing, which weigh one each: a listing of fifty is worth fifty of one.</summary>
internal static class ListingPhotos
{
    /// <summary>Photos that a listing may have; one with more is refused by staging-api, and weighs no more.</summary>
    internal const int Most = 50;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Reads the body, whose size is bounded by its route, and puts it back whole.</summary>
    /// <returns>1 to <see cref="Most"/>; 1 for what is no listing.</returns>
    internal static async Task<int> CountAsync(HttpContext context)
    {
        var request = context.Request;
        var body = new MemoryStream((int)(request.ContentLength ?? 0));
        await request.Body.CopyToAsync(body, context.RequestAborted);
        body.Position = 0;
        request.Body = body;
        request.Headers.Remove(HeaderNames.TransferEncoding);
        request.ContentLength = body.Length;
        return Math.Clamp(Count(body.GetBuffer().AsSpan(0, (int)body.Length)), 1, Most);
    }

    private static int Count(ReadOnlySpan<byte> json)
    {
        var count = 0;
        // Who reads it for what it says passes over a byte order mark, too.
        var reader = new Utf8JsonReader(json.StartsWith(ByteOrderMark) ? json[ByteOrderMark.Length..] : json);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return 0;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isPhotos = reader.ValueTextEquals("photos"u8);
                reader.Read();
                if (!isPhotos || reader.TokenType != JsonTokenType.StartArray)
                {
                    reader.Skip();
                    continue;
                }

                for (; reader.Read() && reader.TokenType != JsonTokenType.EndArray; count++)
                    reader.Skip();
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // No JSON, or text that is no Unicode: refused where it is read for what it says.
        }

        return count;
    }
}
