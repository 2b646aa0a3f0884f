using Microsoft.Win32.SafeHandles;
using static HomeStage.Imaging.Native.NativeMethods;

namespace HomeStage.Imaging.Native;

/// <summary>A reference to a libvips image: a recipe for pixels, computed only when they are written out.</summary>
internal sealed unsafe class VipsImage : SafeHandleZeroOrMinusOneIsInvalid
{
    private VipsImage(nint handle)
        : base(ownsHandle: true) => SetHandle(handle);

    internal int Width => vips_image_get_width(this);

    internal int Height => vips_image_get_height(this);

    internal int Bands => vips_image_get_bands(this);

    internal bool HasAlpha => vips_image_hasalpha(this) != 0;

    internal bool HasProfile => vips_image_get_typeof(this, "icc-profile-data") != 0;

    internal static VipsImage Own(nint handle) => new(handle);

    /// <summary>An image from rows of interleaved 8-bit samples, copied; 3 bands are taken as sRGB, 4 as sRGB with alpha.</summary>
    internal static VipsImage FromPixels(ReadOnlySpan<byte> pixels, int width, int height, int bands)
    {
        ImagingRuntime.EnsureInitialised();
        if (pixels.Length != checked(width * height * bands))
            throw new ArgumentException("The pixels are not as many as the size says.", nameof(pixels));
        nint image;
        fixed (byte* data = pixels)
            image = vips_image_new_from_memory_copy(data, (nuint)pixels.Length, width, height, bands, FormatUChar);
        if (image == 0)
            throw Vips.Failure("new_from_memory");
        using var raw = Own(image);
        return Vips.Image("copy", ("in", raw), ("interpretation", bands < 3 ? "b-w" : "srgb"));
    }

    /// <summary>Computes every pixel: rows of interleaved 8-bit samples.</summary>
    internal byte[] ToPixels()
    {
        var memory = Compute(out var size);
        try
        {
            return new ReadOnlySpan<byte>((void*)memory, checked((int)size)).ToArray();
        }
        finally
        {
            g_free(memory);
        }
    }

    /// <summary>
    /// Computes the pixels and starts a new image from them alone: nothing of the source's metadata can survive, and the
    /// decoder's work is done once. For 8-bit images.
    /// </summary>
    internal VipsImage PixelsAlone()
    {
        var memory = Compute(out var size);
        try
        {
            return FromPixels(new ReadOnlySpan<byte>((void*)memory, checked((int)size)), Width, Height, Bands);
        }
        finally
        {
            g_free(memory);
        }
    }

    /// <summary>Attaches a metadata block that the savers know by this name. The image must not be shared yet.</summary>
    internal void Attach(string field, ReadOnlySpan<byte> block)
    {
        fixed (byte* data = block)
            vips_image_set_blob_copy(this, field, data, (nuint)block.Length);
    }

    protected override bool ReleaseHandle()
    {
        g_object_unref(handle);
        return true;
    }

    private nint Compute(out nuint size)
    {
        var memory = vips_image_write_to_memory(this, out size);
        return memory == 0 ? throw Vips.Failure("write_to_memory") : memory;
    }
}
