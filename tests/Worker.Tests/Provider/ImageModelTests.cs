using HomeStage.Worker.Provider;

namespace HomeStage.Worker.Tests.Provider;

public sealed class ImageModelTests
{
    [Theory]
    [InlineData(4032, 3024, "1536x1024")]
    [InlineData(3024, 4032, "1024x1536")]
    [InlineData(1000, 1000, "1024x1024")]
    [InlineData(1200, 1000, "1024x1024")]
    [InlineData(4000, 1000, "1536x1024")]
    public void The_size_nearest_in_shape_is_asked_for(int width, int height, string size) =>
        ImageModels.Find("gpt-image-1.5")!.SizeFor(width, height).ToString().ShouldBe(size);

    [Fact]
    public void Every_model_knows_every_quality_and_takes_only_sizes_that_it_may()
    {
        foreach (var model in ImageModels.Names.Select(name => ImageModels.Find(name)!))
        {
            model.Qualities.Keys.Order().ShouldBe(["draft", "high", "standard"]);
            model.Sizes.ShouldAllBe(size => size.Width % 16 == 0 && size.Height % 16 == 0 && size.Width * size.Height >= 655_360);
        }
    }

    [Fact]
    public void A_model_with_free_sizes_gets_the_shape_of_a_camera() =>
        ImageModels.Find("gpt-image-2")!.SizeFor(4032, 3024).ToString().ShouldBe("1408x1056");
}
