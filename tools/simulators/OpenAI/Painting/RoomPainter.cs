using System.Runtime.InteropServices;

namespace HomeStage.Simulators.OpenAI.Painting;

/// <summary>The bytes are no picture that can be decoded.</summary>
internal sealed class PhotoUnreadableException(string message) : Exception(message);

/// <summary>Gives the photo back at the size asked for.</summary>
internal static partial class RoomPainter
{
    private const int SizeForced = 3;

    static RoomPainter() => _ = vips_init("HomeStage.Simulators");

    public static byte[] Paint(byte[] photo, int width, int height, string room, string style, string outputFormat, int variation)
    {
        if (vips_thumbnail_buffer(photo, photo.Length, out var image, width, "height", height, "size", SizeForced, 0) != 0)
            throw new PhotoUnreadableException("The photo cannot be decoded.");
        try
        {
            if (vips_image_write_to_buffer(image, $".{outputFormat}", out var bytes, out var length, 0) != 0)
                throw new PhotoUnreadableException("The photo cannot be written.");
            var copy = new byte[length];
            Marshal.Copy(bytes, copy, 0, copy.Length);
            g_free(bytes);
            return copy;
        }
        finally
        {
            g_object_unref(image);
        }
    }

    [LibraryImport("libvips.so.42", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int vips_init(string name);

    [LibraryImport("libvips.so.42", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int vips_thumbnail_buffer(
        byte[] bytes, nint length, out nint image, int width, string heightName, int height, string sizeName, int size, nint end);

    [LibraryImport("libvips.so.42", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int vips_image_write_to_buffer(nint image, string suffix, out nint bytes, out nint length, nint end);

    [LibraryImport("libvips.so.42")]
    private static partial void g_object_unref(nint image);

    [LibraryImport("libvips.so.42")]
    private static partial void g_free(nint bytes);
}
