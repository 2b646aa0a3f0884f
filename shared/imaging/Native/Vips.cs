using System.Globalization;
using System.Runtime.InteropServices;
using static HomeStage.Imaging.Native.NativeMethods;

namespace HomeStage.Imaging.Native;

/// <summary>
/// Runs libvips operations by name. Arguments may be an image, bytes, or any scalar; scalars go in as text, which libvips
/// parses by the argument's own type. Every handle is freed on every path.
/// </summary>
internal static unsafe class Vips
{
    /// <summary>Runs an operation whose result is an image.</summary>
    /// <exception cref="VipsException">libvips refused the arguments or the data.</exception>
    internal static VipsImage Image(string operation, params ReadOnlySpan<(string Name, object Value)> arguments)
    {
        var built = Build(operation, arguments);
        try
        {
            return VipsImage.Own(GetImage(built, "out"));
        }
        finally
        {
            Free(built);
        }
    }

    /// <summary>Runs an operation whose result is a buffer.</summary>
    /// <exception cref="VipsException">libvips refused the arguments or the data.</exception>
    internal static byte[] Bytes(string operation, params ReadOnlySpan<(string Name, object Value)> arguments)
    {
        var built = Build(operation, arguments);
        try
        {
            return GetBytes(built, "buffer");
        }
        finally
        {
            Free(built);
        }
    }

    /// <summary>Puts the bands of two images of one size side by side.</summary>
    /// <exception cref="VipsException">The sizes differ.</exception>
    internal static VipsImage JoinBands(VipsImage first, VipsImage second) => Image("bandjoin", ("in", new[] { first, second }));

    /// <summary>
    /// What libvips said last. Its error text is one buffer for the whole process: with several threads at work it may tell
    /// about another's failure, so nothing is ever decided by it.
    /// </summary>
    internal static VipsException Failure(string operation)
    {
        var text = vips_error_buffer_copy();
        var message = Marshal.PtrToStringUTF8(text)?.Trim();
        g_free(text);
        return new VipsException(operation, message ?? "");
    }

    private static nint Build(string name, ReadOnlySpan<(string Name, object Value)> arguments)
    {
        ImagingRuntime.EnsureInitialised();
        var operation = vips_operation_new(name);
        if (operation == 0)
            throw Failure(name);
        try
        {
            foreach (var (argument, value) in arguments)
                Set(name, operation, argument, value);
            if (vips_object_build(operation) != 0)
                throw Failure(name);
            return operation;
        }
        catch
        {
            Free(operation);
            throw;
        }
    }

    private static void Free(nint operation)
    {
        vips_object_unref_outputs(operation);
        g_object_unref(operation);
    }

    private static void Set(string operationName, nint operation, string name, object value)
    {
        switch (value)
        {
            case VipsImage image:
                SetImage(operation, name, image);
                break;
            case byte[] bytes:
                SetBytes(operation, name, bytes);
                break;
            case VipsImage[] images:
                SetImages(operation, name, images);
                break;
            default:
                var text = value is bool flag ? (flag ? "true" : "false") : Convert.ToString(value, CultureInfo.InvariantCulture)!;
                if (vips_object_set_argument_from_string(operation, name, text) != 0)
                    throw Failure(operationName);
                break;
        }
    }

    private static void SetImage(nint operation, string name, VipsImage image)
    {
        Value value = default;
        g_value_init(&value, vips_image_get_type());
        var held = false;
        try
        {
            image.DangerousAddRef(ref held);
            g_value_set_object(&value, image.DangerousGetHandle());
            g_object_set_property(operation, name, &value);
        }
        finally
        {
            g_value_unset(&value);
            if (held)
                image.DangerousRelease();
        }
    }

    private static void SetImages(nint operation, string name, VipsImage[] images)
    {
        Value value = default;
        g_value_init(&value, vips_array_image_get_type());
        try
        {
            vips_value_set_array_image(&value, images.Length);
            var slots = vips_value_get_array_image(&value, out _);
            for (var i = 0; i < images.Length; i++)
                slots[i] = g_object_ref(images[i]);
            g_object_set_property(operation, name, &value);
        }
        finally
        {
            g_value_unset(&value);
        }
    }

    // Images are decoded lazily, long after this call: libvips gets a copy that it owns.
    private static void SetBytes(nint operation, string name, byte[] bytes)
    {
        Value value = default;
        g_value_init(&value, vips_blob_get_type());
        try
        {
            nint blob;
            fixed (byte* data = bytes)
                blob = vips_blob_copy(data, (nuint)bytes.Length);
            g_value_set_boxed(&value, blob);
            vips_area_unref(blob);
            g_object_set_property(operation, name, &value);
        }
        finally
        {
            g_value_unset(&value);
        }
    }

    private static nint GetImage(nint operation, string name)
    {
        Value value = default;
        g_value_init(&value, vips_image_get_type());
        try
        {
            g_object_get_property(operation, name, &value);
            return g_value_dup_object(&value);
        }
        finally
        {
            g_value_unset(&value);
        }
    }

    private static byte[] GetBytes(nint operation, string name)
    {
        Value value = default;
        g_value_init(&value, vips_blob_get_type());
        try
        {
            g_object_get_property(operation, name, &value);
            var data = vips_blob_get(g_value_get_boxed(&value), out var length);
            return new ReadOnlySpan<byte>((void*)data, checked((int)length)).ToArray();
        }
        finally
        {
            g_value_unset(&value);
        }
    }
}

/// <summary>An operation that libvips refused.</summary>
internal sealed class VipsException(string operation, string message)
    : Exception($"libvips could not run {operation}: {message}");
