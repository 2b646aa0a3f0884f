using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using HomeStage.Billing.Stripe;
using HomeStage.Billing.Tests.Support;

namespace HomeStage.Billing.Tests.Stripe;

public sealed class StripeObjectsTests
{
    public static TheoryData<string> Fixtures => [.. Fixture.All];

    [Fact]
    public void Session_of_the_fixture_is_read()
    {
        var json = Fixture.Read("checkout.session");
        var session = ReadSession(json)!;
        session.Id.ShouldBe((string)json["id"]!);
        session.Url.ShouldBe((string)json["url"]!);
        session.PaymentStatus.ShouldBe("unpaid");
        session.IsPaid.ShouldBeFalse();
        session.PaymentIntentId.ShouldBe("pi_1PgafyB7WZ01zgkWSjxsAJo3");
        session.ExpiresAt.ShouldBe(DateTimeOffset.FromUnixTimeSeconds(1234567890));
        session.AmountTotal.ShouldBeNull();
        session.OrderId.ShouldBeNull();
    }

    [Fact]
    public void Event_of_the_fixture_is_read()
    {
        var happened = Read(Fixture.Read("event"))!;
        happened.Id.ShouldBe("evt_1Pgc76B7WZ01zgkWwyRHS12y");
        happened.Type.ShouldBe("plan.created");
        happened.Livemode.ShouldBeFalse();
        happened.ApiVersion.ShouldBeNull();
        happened.CreatedAt.ShouldBe(DateTimeOffset.FromUnixTimeSeconds(1234567890));
    }

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void Event_around_any_object_is_read(string name)
    {
        var subject = Fixture.Read(name);
        var happened = Read(Fixture.Event(name + ".updated", subject))!;
        JsonNode.DeepEquals(JsonNode.Parse(happened.Object.GetRawText()), subject).ShouldBeTrue();
    }

    [Fact]
    public void Expanded_payment_is_read_as_its_id()
    {
        var json = Fixture.Read("checkout.session");
        json["payment_intent"] = Fixture.Read("payment_intent");
        ReadSession(json)!.PaymentIntentId.ShouldBe((string)json["payment_intent"]!["id"]!);
    }

    [Fact]
    public void Metadata_names_the_order_before_the_reference_does()
    {
        var (own, other) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var json = Fixture.Session(own);
        json["client_reference_id"] = other.ToString();
        ReadSession(json)!.OrderId.ShouldBe(own);
        json["metadata"] = new JsonObject();
        ReadSession(json)!.OrderId.ShouldBe(other);
    }

    [Fact]
    public void Fields_of_another_type_are_as_good_as_missing()
    {
        var json = Fixture.Session(Guid.CreateVersion7());
        json["amount_total"] = "2500";
        json["currency"] = 1;
        json["metadata"] = "none";
        json["client_reference_id"] = true;
        var session = ReadSession(json)!;
        (session.AmountTotal, session.Currency, session.OrderId).ShouldBe((null, null, null));
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"id":"evt_1"}""")]
    [InlineData("""{"id":1,"type":"a"}""")]
    [InlineData("""{"id":"evt\u00001","type":"a"}""")]
    [InlineData("""{"id":"\ud800","type":"a"}""")]
    public void What_is_no_event_is_not_read(string text) =>
        StripeEvent.Read(Encoding.UTF8.GetBytes(text)).ShouldBeNull();

    [Fact]
    public void Form_nests_in_its_names_and_leaves_out_null()
    {
        var tree = new JsonObject
        {
            ["mode"] = "payment",
            ["none"] = null,
            ["line_items"] = new JsonArray(new JsonObject { ["quantity"] = 1, ["price_data"] = new JsonObject { ["unit_amount"] = 2500L } }),
            ["flag"] = true,
        };
        StripeForm.Flatten(tree).ShouldBe([
            new("mode", "payment"),
            new("line_items[0][quantity]", "1"),
            new("line_items[0][price_data][unit_amount]", "2500"),
            new("flag", "true"),
        ]);
    }

    private static StripeEvent? Read(JsonObject json) => StripeEvent.Read(Encoding.UTF8.GetBytes(json.ToJsonString()));

    private static CheckoutSession? ReadSession(JsonObject json) => CheckoutSession.Read(JsonSerializer.SerializeToElement(json));
}
