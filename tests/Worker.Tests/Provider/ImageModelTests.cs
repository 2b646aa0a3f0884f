using HomeStage.Catalog;

namespace HomeStage.Worker.Tests.Provider;

public sealed class ImageModelTests
{
    private static ImageModels Shipped { get; } = ImageModels.Parse(File.ReadAllText(Path.Combine(Tool.SourceTree.Root, "shared", "catalog", "models.json"))).Models!;

    [Theory]
    [InlineData(4032, 3024, "1536x1024")]
    [InlineData(3024, 4032, "1024x1536")]
    [InlineData(1000, 1000, "1024x1024")]
    [InlineData(1200, 1000, "1024x1024")]
    [InlineData(4000, 1000, "1536x1024")]
    public void The_size_nearest_in_shape_is_asked_for(int width, int height, string size) =>
        Shipped.Find("gpt-image-1.5")!.SizeFor(width, height).ToString().ShouldBe(size);

    [Theory]
    [InlineData(4032, 3024, "1408x1056")]
    [InlineData(3000, 1000, "1920x640")]
    [InlineData(700, 1536, "960x1920")]
    public void A_model_with_free_sizes_gets_the_shape_of_a_camera(int width, int height, string size) =>
        Shipped.Find("gpt-image-2")!.SizeFor(width, height).ToString().ShouldBe(size);

    [Fact]
    public void The_models_that_are_shipped_know_every_quality_and_format_and_no_size_that_is_too_small()
    {
        foreach (var model in Shipped.All)
        {
            model.Qualities.Keys.Order().ShouldBe(Catalogue.Qualities.Select(quality => quality.Id).Order());
            model.Formats.ShouldBe(Catalogue.Formats);
            model.Sizes.ShouldAllBe(size => size.Width * size.Height >= 655_360);
        }
    }

    [Fact]
    public void A_picture_costs_us_what_the_file_says_rounded_up()
    {
        var model = Shipped.Find("gpt-image-1-mini")!;

        model.CostOf("standard", new PictureSize(1536, 1024), 3).ShouldBe(45_000);
        model.CostOf("standard", new PictureSize(1000, 1000), 3).ShouldBeNull();
        Shipped.Find("gpt-image-2")!.CostOf("standard", new PictureSize(1536, 1024), 3).ShouldBeNull();
    }

    [Theory]
    [InlineData("{}", "the file is not JSON of the form")]
    [InlineData("""{"default":"a","models":[],"more":1}""", "the file is not JSON of the form")]
    [InlineData("""{"default":"b","models":[{"name":"a b","sizes":["1024x1024"],"qualities":{"standard":"medium"},"formats":["jpeg"]}]}""",
        "model 1 needs a name|default names no model of the file: 'b'")]
    [InlineData("""{"default":"a","models":[{"name":"a","sizes":["1000x1024"],"qualities":{"draft":"low","best":"max"},"formats":["tiff"],"partialImages":4,"inputFidelity":"full"}]}""",
        "model 'a': sizes must be|qualities must have 'standard'|not 'best'|partialImages must be 0 to 3|inputFidelity|formats must be some of jpeg, png, webp")]
    [InlineData("""{"default":"a","models":[{"name":"a","sizes":["1024x1024","1024x1024"],"qualities":{"standard":""},"formats":["png"],"prices":{"high":{"1024x1024":1}}},{"name":"a","sizes":[],"qualities":{"standard":"medium"},"formats":["jpeg"]}]}""",
        "sizes names one twice|the provider's word|with 'jpeg'|prices must be US dollars|sizes must name one at least|the name 'a' is used 2 times")]
    public void A_file_that_makes_no_sense_is_told_all_that_is_wrong_with_it(string text, string expected)
    {
        var (models, problems) = ImageModels.Parse(text);

        models.ShouldBeNull();
        var said = string.Join("; ", problems);
        foreach (var part in expected.Split('|'))
            said.ShouldContain(part);
    }
}
