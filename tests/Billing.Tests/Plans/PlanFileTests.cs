using HomeStage.Billing.Plans;

namespace HomeStage.Billing.Tests.Plans;

public sealed class PlanFileTests
{
    private const string Good = """{"id":"a","name":"A","price":900,"currency":"usd","credits":5,"durationDays":30}""";

    [Fact]
    public void File_that_ships_is_the_price_list_of_the_design()
    {
        var (catalog, problems) = PlanFile.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "plans.json")));
        problems.ShouldBeEmpty();
        catalog.Plans.Select(plan => (plan.Id, plan.Price, plan.Currency, plan.Credits, plan.DurationDays))
            .ShouldBe([("quick", 900, "usd", 5, 365), ("value", 2500, "usd", 20, 365), ("pro", 4900, "usd", 50, 30)]);
    }

    [Fact]
    public void Price_kept_at_stripe_and_comments_are_allowed()
    {
        var (catalog, problems) = PlanFile.Parse(Plans(Good.Replace("}", ""","stripePriceId":"price_1"} /* as on the site */""")));
        problems.ShouldBeEmpty();
        catalog.Find("a")!.StripePriceId.ShouldBe("price_1");
    }

    [Theory]
    [InlineData("\"price\":900", "\"price\":0", "plan 'a': price must be 1 to")]
    [InlineData("\"price\":900", "\"price\":100000000", "plan 'a': price must be 1 to")]
    [InlineData("\"price\":900", "\"price\":9.5", "not JSON of the form")]
    [InlineData("\"credits\":5", "\"credits\":0", "plan 'a': credits must be")]
    [InlineData("\"credits\":5", "\"credits\":-5", "plan 'a': credits must be")]
    [InlineData("\"credits\":5,", "", "credits")]
    [InlineData("\"durationDays\":30", "\"durationDays\":0", "plan 'a': durationDays must be")]
    [InlineData("\"currency\":\"usd\"", "\"currency\":\"USD\"", "plan 'a': currency must be")]
    [InlineData("\"currency\":\"usd\"", "\"currency\":\"usb\"", "plan 'a': currency must be")]
    [InlineData("\"id\":\"a\"", "\"id\":\"A b\"", "plan 1 needs an id")]
    [InlineData("\"name\":\"A\"", "\"name\":\"\"", "plan 'a': name must have")]
    [InlineData("\"credits\":5", "\"credits\":5,\"stripePriceId\":\"prod_1\"", "plan 'a': stripePriceId must begin")]
    [InlineData("\"credits\":5", "\"credits\":5,\"stripePriceId\":\"price_\"", "plan 'a': stripePriceId must begin")]
    [InlineData("\"credits\":5", "\"credits\":5,\"discount\":1", "discount")]
    public void Fault_is_named(string right, string wrong, string problem) =>
        PlanFile.Parse(Plans(Good.Replace(right, wrong))).Problems.ShouldHaveSingleItem().ShouldContain(problem);

    [Fact]
    public void Id_used_twice_is_named() =>
        PlanFile.Parse(Plans(Good, Good)).Problems.ShouldHaveSingleItem().ShouldBe("the id 'a' is used 2 times");

    [Fact]
    public void All_faults_are_named_at_once() =>
        PlanFile.Parse(Plans(Good.Replace("900", "0").Replace("usd", "xxx"), "null")).Problems.Count.ShouldBe(3);

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("""{"plans":[]}""")]
    [InlineData("""{"plans":null}""")]
    [InlineData("null")]
    public void File_without_plans_is_a_fault(string text) => PlanFile.Parse(text).Problems.ShouldNotBeEmpty();

    private static string Plans(params string[] plans) => $$"""{"plans":[{{string.Join(',', plans)}}]}""";
}
