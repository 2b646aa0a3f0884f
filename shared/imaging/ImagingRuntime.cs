using static HomeStage.Imaging.Native.NativeMethods;

namespace HomeStage.Imaging;

/// <summary>Which files libvips may open in this process.</summary>
public enum ImageLoaders
{
    /// <summary>JPEG, PNG and WebP. For every process that touches files from outside.</summary>
    Photos,

    /// <summary>SVG as well: for programs that draw pictures of their own making.</summary>
    PhotosAndDrawings,
}

/// <summary>The process-wide state of libvips.</summary>
public static class ImagingRuntime
{
    private static readonly Lock Gate = new();
    private static volatile bool _ready;

    /// <summary>
    /// Starts libvips: one thread an operation (callers bring their own parallelism), no operation cache, no warnings on
    /// stderr, and only the given loaders. Services call this at start, so that a missing library stops them there; without
    /// it the first picture does, with <see cref="ImageLoaders.Photos"/>. May be called again to change the loaders.
    /// </summary>
    /// <exception cref="DllNotFoundException">libvips is not installed; the message says what to install.</exception>
    /// <exception cref="InvalidOperationException">libvips could not start, or no font for the disclosure label is installed.</exception>
    public static void Initialise(ImageLoaders loaders = ImageLoaders.Photos)
    {
        lock (Gate)
        {
            if (!_ready)
            {
                _ = g_setenv("VIPS_WARNING", "1", 1);
                if (vips_init("homestage") != 0)
                    throw new InvalidOperationException("libvips could not start: check the installation of libvips42.");
                vips_concurrency_set(1);
                vips_cache_set_max(0);
                vips_operation_block_set("VipsForeignLoad", 1);
                vips_operation_block_set("VipsForeignLoadJpeg", 0);
                vips_operation_block_set("VipsForeignLoadPng", 0);
                vips_operation_block_set("VipsForeignLoadWebp", 0);
            }

            vips_operation_block_set("VipsForeignLoadSvg", loaders == ImageLoaders.PhotosAndDrawings ? 0 : 1);
            _ready = true;
        }

        Outputs.Label.RequireFont();
    }

    internal static void EnsureInitialised()
    {
        if (!_ready)
            Initialise();
    }
}
