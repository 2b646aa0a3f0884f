using HomeStage.Simulators.OpenAI;

namespace HomeStage.Simulators.Tests.OpenAI;

public sealed class ImageHeaderTests
{
    [Theory]
    [InlineData(1, 300, 200)]
    [InlineData(3, 300, 200)]
    [InlineData(6, 200, 300)]
    [InlineData(8, 200, 300)]
    public void Size_of_a_phone_photo_is_the_upright_one(byte orientation, int width, int height) =>
        ImageHeader.Read(Jpeg(orientation)).ShouldBe(new ImageHeader("image/jpeg", width, height));

    [Fact]
    public void Cut_and_foreign_bytes_are_no_image()
    {
        var whole = Jpeg(orientation: 6);

        for (var length = 0; length < whole.Length - 4; length++)
            ImageHeader.Read(whole.AsSpan(0, length)).ShouldBeNull();
        ImageHeader.Read("%PDF-1.7"u8).ShouldBeNull();
    }

    /// <summary>SOI, an EXIF segment with only an orientation, and a frame header of 300 by 200.</summary>
    private static byte[] Jpeg(byte orientation) =>
    [
        0xFF, 0xD8,
        0xFF, 0xE1, 0, 34, .. "Exif\0\0"u8, .. "II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0,
        0xFF, 0xC0, 0, 11, 8, 0, 200, 1, 44, 3, 0, 0, 0, 0,
    ];
}
