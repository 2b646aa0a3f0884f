using HomeStage.Simulators.OpenAI;

namespace HomeStage.Simulators.Tests.OpenAI;

public sealed class PromptReadingTests
{
    [Theory]
    [InlineData("Stage this empty dining room in Japandi style.", "dining room", "japandi")]
    [InlineData("room: living_room; style: mid-century modern", "living room", "mid-century")]
    [InlineData("Furnish the home office, farmhouse.", "office", "farmhouse")]
    [InlineData("Make it nice", "living room", "modern")]
    public void Room_and_style_are_recognised_by_their_words(string prompt, string room, string style)
    {
        PromptReading.Room(prompt).ShouldBe(room);
        PromptReading.Style(prompt).ShouldBe(style);
    }
}
