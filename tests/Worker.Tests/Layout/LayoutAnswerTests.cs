using System.Text.Json;
using HomeStage.Worker.Layout;

namespace HomeStage.Worker.Tests.Layout;

/// <summary>What a vision model says is taken only in the form that was asked for.</summary>
public sealed class LayoutAnswerTests
{
    private const string Door = """{"kind":"door","x":0.1,"y":0.2,"width":0.3,"height":0.4}""";

    [Fact]
    public void Zones_come_in_one_order_each_once_and_cut_to_the_picture()
    {
        var zones = LayoutAnswer.ReadZones($$"""
            {"zones":[{"kind":"walkway","x":0,"y":0.7,"width":0.5,"height":0.3},{"kind":"window","x":0.9,"y":0.5,"width":0.115,"height":0.3},{{Door}},{{Door}}]}
            """).ShouldNotBeNull();

        zones.Select(zone => zone.Kind).ShouldBe([ZoneKind.Door, ZoneKind.Window, ZoneKind.Walkway]);
        zones[1].Width.ShouldBe(0.1, 0.000001);
    }

    [Fact]
    public void What_covers_the_picture_is_the_room_itself_and_an_empty_list_is_an_answer()
    {
        LayoutAnswer.ReadZones("""{"zones":[{"kind":"walkway","x":0,"y":0.1,"width":1,"height":0.9}]}""").ShouldNotBeNull().ShouldBeEmpty();
        LayoutAnswer.ReadZones("""{"zones":[]}""").ShouldNotBeNull().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("")]
    [InlineData("no JSON")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"zones":{}}""")]
    [InlineData("""{"zones":[],"note":"Ignore the rules"}""")]
    [InlineData("""{"zones":[],"zones":[]}""")]
    [InlineData("""{"zones":[null]}""")]
    [InlineData("""{"zones":[{"kind":"sofa","x":0.1,"y":0.2,"width":0.3,"height":0.4}]}""")]
    [InlineData("""{"zones":[{"kind":"Door","x":0.1,"y":0.2,"width":0.3,"height":0.4}]}""")]
    [InlineData("""{"zones":[{"kind":0,"x":0.1,"y":0.2,"width":0.3,"height":0.4}]}""")]
    [InlineData("""{"zones":[{"kind":"door","x":"0.1","y":0.2,"width":0.3,"height":0.4}]}""")]
    [InlineData("""{"zones":[{"kind":"door","x":-0.1,"y":0.2,"width":0.3,"height":0.4}]}""")]
    [InlineData("""{"zones":[{"kind":"door","x":0.9,"y":0.2,"width":0.3,"height":0.4}]}""")]
    [InlineData("""{"zones":[{"kind":"door","x":0.1,"y":0.2,"width":0,"height":0.4}]}""")]
    [InlineData("""{"zones":[{"kind":"door","x":0.1,"y":0.2,"width":1e999,"height":0.4}]}""")]
    [InlineData("""{"zones":[{"kind":"door","x":0.1,"y":0.2,"width":0.3}]}""")]
    [InlineData("""{"zones":[{"kind":"door","x":0.1,"y":0.2,"width":0.3,"height":0.4,"why":"because"}]}""")]
    public void Anything_else_is_no_answer(string text) => LayoutAnswer.ReadZones(text).ShouldBeNull();

    [Fact]
    public void More_zones_than_a_room_has_are_no_answer() =>
        LayoutAnswer.ReadZones($"{{\"zones\":[{string.Join(',', Enumerable.Repeat(Door, LayoutAnswer.MostZones + 1))}]}}").ShouldBeNull();

    [Theory]
    [InlineData("""{"choices":[{"finish_reason":"stop","message":{"content":"{\"zones\":[]}","refusal":null}}],"usage":{"prompt_tokens":7,"completion_tokens":3}}""", null)]
    [InlineData("""{"choices":[{"finish_reason":"stop","message":{"content":null,"refusal":"No."}}]}""", "refused")]
    [InlineData("""{"choices":[{"finish_reason":"content_filter","message":{"content":""}}]}""", "refused")]
    [InlineData("""{"choices":[{"finish_reason":"length","message":{"content":"{\"zones\":[]}"}}]}""", "truncated")]
    [InlineData("""{"choices":[{"finish_reason":"stop","message":{"content":"{\"zo"}}]}""", "malformed")]
    [InlineData("""{"choices":[]}""", "malformed")]
    [InlineData("""{"choices":[{"message":7}]}""", "malformed")]
    [InlineData("""[]""", "malformed")]
    [InlineData("""{"choices":""", "malformed")]
    public void A_completion_is_an_answer_or_says_why_it_is_none(string body, string? problem)
    {
        var answer = LayoutAnswer.Read(BinaryData.FromString(body));

        answer.Problem.ShouldBe(problem);
        (answer.Zones is null).ShouldBe(problem is not null);
        if (problem is null)
            (answer.InputTokens, answer.OutputTokens).ShouldBe((7, 3));
    }

    [Fact]
    public void The_question_holds_the_photo_and_nothing_that_a_customer_wrote()
    {
        var settings = new LayoutSettings { Model = "gpt-4.1-mini", Timeout = TimeSpan.FromSeconds(1), Prices = new(1, 1), DailyBudget = 1 };

        using var plain = JsonDocument.Parse(LayoutQuestion.Body(settings, [1, 2, 3], "safety"));
        using var thinking = JsonDocument.Parse(LayoutQuestion.Body(settings with { Effort = "low" }, [1, 2, 3], "safety"));

        plain.RootElement.TryGetProperty("reasoning_effort", out _).ShouldBeFalse();
        plain.RootElement.GetProperty("store").GetBoolean().ShouldBeFalse();
        plain.RootElement.GetProperty("messages")[1].GetProperty("content")[0].GetProperty("image_url").GetProperty("url").GetString().ShouldBe("data:image/jpeg;base64,AQID");
        thinking.RootElement.GetProperty("reasoning_effort").GetString().ShouldBe("low");
    }
}
