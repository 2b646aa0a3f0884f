using System.Runtime.InteropServices;
using HomeStage.Imaging.Intake;
using HomeStage.Imaging.Outputs;
using Shouldly;
using Xunit;

namespace HomeStage.Imaging.Tests;

[CollectionDefinition(nameof(RuntimeTests), DisableParallelization = true)]
[Collection(nameof(RuntimeTests))]
public sealed partial class RuntimeTests
{
    [Fact]
    public void Many_threads_get_what_one_gets()
    {
        byte[][] files = [Photos.Jpeg(700, 500), Photos.Png(500, 700), Photos.WebP(600, 600), "garbage"u8.ToArray(), Photos.Png()[..3000]];
        var alone = files.Select(Outcome).ToList();

        var together = new string[160];
        Parallel.For(0, together.Length, new ParallelOptions { MaxDegreeOfParallelism = 16 }, i => together[i] = Outcome(files[i % files.Length]));

        for (var i = 0; i < together.Length; i++)
            together[i].ShouldBe(alone[i % files.Length]);
        alone.ShouldBeUnique();
    }

    [Fact]
    public void Nothing_native_is_left_behind_on_any_path()
    {
        byte[][] files = [Photos.Jpeg(), Photos.Png(), Photos.WebP(), Photos.Png()[..5000], Photos.BlackPng(13_000, 300), DamagedPng()];
        foreach (var file in files)
            Outcome(file);
        var before = vips_tracked_get_allocs();

        for (var round = 0; round < 20; round++)
        {
            foreach (var file in files)
                Outcome(file);
        }

        // libvips' own threads give back what they had a moment after the call.
        SpinWait.SpinUntil(() => vips_tracked_get_allocs() <= before, TimeSpan.FromSeconds(60)).ShouldBeTrue();
    }

    private static byte[] DamagedPng()
    {
        var png = Photos.Png();
        png.AsSpan(100, 200).Clear();
        return png;
    }

    private static string Outcome(byte[] file)
    {
        try
        {
            var photo = PhotoIntake.Read(file);
            var staged = PhotoOutputs.Make(photo.Image.Bytes, 400, 300);
            byte[] all = [.. photo.Image.Bytes, .. staged.Clean.Bytes, .. staged.Labeled.Bytes, .. staged.Thumb.Bytes];
            return Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(all));
        }
        catch (PhotoRejectedException refusal)
        {
            return refusal.Code;
        }
    }

    [LibraryImport("libvips.so.42")]
    private static partial int vips_tracked_get_allocs();
}
