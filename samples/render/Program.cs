using HomeStage.Imaging;
using HomeStage.Imaging.Native;
using HomeStage.Samples;

if (args is not [var path])
{
    Console.Error.WriteLine("Usage: HomeStage.Samples FILE.jpg");
    return 1;
}

const int width = 1600;
const int height = 1200;

ImagingRuntime.Initialise();
var pixels = new Renderer(new Light()).Render(width, height);
using var picture = VipsImage.FromPixels(pixels, width, height, bands: 3);
var jpeg = Vips.Bytes("jpegsave_buffer", ("in", picture), ("Q", 88), ("optimize-coding", true), ("strip", true));
await File.WriteAllBytesAsync(path, jpeg);
Console.WriteLine($"{path}: {width} × {height}, {jpeg.Length / 1000} kB");
return 0;
