using System.Reflection;
using System.Runtime.InteropServices;

namespace HomeStage.Imaging.Native;

/// <summary>The part of libvips 8.14, GObject and GLib that is used. No variadic functions: their calling convention differs by platform.</summary>
internal static unsafe partial class NativeMethods
{
    internal const int FormatUChar = 0;

    private const string Vips = "vips";
    private const string GObject = "gobject";
    private const string GLib = "glib";

    private static readonly Dictionary<string, string[]> Files = new(StringComparer.Ordinal)
    {
        [Vips] = ["libvips.so.42", "libvips.42.dylib"],
        [GObject] = ["libgobject-2.0.so.0", "libgobject-2.0.0.dylib"],
        [GLib] = ["libglib-2.0.so.0", "libglib-2.0.0.dylib"],
    };

    static NativeMethods() => NativeLibrary.SetDllImportResolver(typeof(NativeMethods).Assembly, Resolve);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (!Files.TryGetValue(name, out var candidates))
            return 0;
        foreach (var file in candidates)
        {
            if (NativeLibrary.TryLoad(file, out var handle))
                return handle;
        }

        throw new DllNotFoundException(
            $"The image library was not found ({candidates[0]}): install libvips42 (Debian), libvips42t64 (Ubuntu 24.04 and later) or vips (Homebrew).");
    }

    /// <summary>GObject's tagged value: a type and two words of content.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Value
    {
        internal nuint Type;
        internal ulong Word0;
        internal ulong Word1;
    }

    [LibraryImport(Vips, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int vips_init(string argv0);

    [LibraryImport(Vips)]
    internal static partial void vips_concurrency_set(int threads);

    [LibraryImport(Vips)]
    internal static partial void vips_cache_set_max(int operations);

    [LibraryImport(Vips, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial void vips_operation_block_set(string className, int blocked);

    [LibraryImport(Vips)]
    internal static partial nint vips_error_buffer_copy();

    [LibraryImport(Vips)]
    internal static partial nuint vips_image_get_type();

    [LibraryImport(Vips)]
    internal static partial nuint vips_blob_get_type();

    [LibraryImport(Vips)]
    internal static partial nuint vips_array_image_get_type();

    [LibraryImport(Vips)]
    internal static partial void vips_value_set_array_image(Value* value, int length);

    [LibraryImport(Vips)]
    internal static partial nint* vips_value_get_array_image(Value* value, out int length);

    [LibraryImport(Vips, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint vips_operation_new(string name);

    [LibraryImport(Vips, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int vips_object_set_argument_from_string(nint operation, string name, string value);

    [LibraryImport(Vips)]
    internal static partial int vips_object_build(nint operation);

    [LibraryImport(Vips)]
    internal static partial void vips_object_unref_outputs(nint operation);

    [LibraryImport(Vips)]
    internal static partial nint vips_blob_copy(byte* data, nuint length);

    [LibraryImport(Vips)]
    internal static partial nint vips_blob_get(nint blob, out nuint length);

    [LibraryImport(Vips)]
    internal static partial void vips_area_unref(nint area);

    [LibraryImport(Vips)]
    internal static partial nint vips_image_new_from_memory_copy(byte* data, nuint size, int width, int height, int bands, int format);

    [LibraryImport(Vips)]
    internal static partial nint vips_image_write_to_memory(VipsImage image, out nuint size);

    [LibraryImport(Vips)]
    internal static partial int vips_image_get_width(VipsImage image);

    [LibraryImport(Vips)]
    internal static partial int vips_image_get_height(VipsImage image);

    [LibraryImport(Vips)]
    internal static partial int vips_image_get_bands(VipsImage image);

    [LibraryImport(Vips, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nuint vips_image_get_typeof(VipsImage image, string field);

    [LibraryImport(Vips)]
    internal static partial int vips_image_hasalpha(VipsImage image);

    [LibraryImport(Vips, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial void vips_image_set_blob_copy(VipsImage image, string field, byte* data, nuint length);

    [LibraryImport(GObject)]
    internal static partial Value* g_value_init(Value* value, nuint type);

    [LibraryImport(GObject)]
    internal static partial void g_value_unset(Value* value);

    [LibraryImport(GObject)]
    internal static partial void g_value_set_object(Value* value, nint instance);

    [LibraryImport(GObject)]
    internal static partial nint g_value_dup_object(Value* value);

    [LibraryImport(GObject)]
    internal static partial void g_value_set_boxed(Value* value, nint boxed);

    [LibraryImport(GObject)]
    internal static partial nint g_value_get_boxed(Value* value);

    [LibraryImport(GObject, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial void g_object_set_property(nint instance, string name, Value* value);

    [LibraryImport(GObject, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial void g_object_get_property(nint instance, string name, Value* value);

    [LibraryImport(GObject)]
    internal static partial nint g_object_ref(VipsImage image);

    [LibraryImport(GObject)]
    internal static partial void g_object_unref(nint instance);

    [LibraryImport(GLib)]
    internal static partial void g_free(nint memory);

    // .NET keeps its own copy of the environment; libvips reads the process's.
    [LibraryImport(GLib, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int g_setenv(string name, string value, int overwrite);
}
