using System.Net;
using System.Text.Json.Nodes;
using HomeStage.Billing.Tests.Support;
using Npgsql;

namespace HomeStage.Billing.Tests.Orders;

public sealed class OrdersTests(BillingFixture fixture) : IClassFixture<BillingFixture>
{
    private BillingApp App => fixture.App;

    [Fact]
    public async Task Order_is_shown_to_its_owner_with_what_can_be_done_next()
    {
        var placed = await App.PlaceOrderAsync("pro");
        var order = await App.OrderAsync(placed);
        ((string)order["status"]!, (string)order["plan"]!, (int)order["credits"]!, (int)order["durationDays"]!, (long)order["amount"]!, (string)order["currency"]!)
            .ShouldBe(("pending", "pro", 50, 30, 4900, "usd"));
        order["paidAt"].ShouldBeNull();
        order["expiresAt"].ShouldNotBeNull();
        ((string)order["urls"]!["checkout"]!).ShouldEndWith(placed.SessionId);
        ((string)order["urls"]!["self"]!).ShouldBe($"/api/v1/orders/{placed.Id}");
    }

    [Fact]
    public async Task Another_visitors_order_is_as_unknown_as_one_that_never_was()
    {
        var placed = await App.PlaceOrderAsync();
        foreach (var id in new[] { placed.Id, Guid.CreateVersion7() })
        {
            using var answer = await App.SendAsync(HttpMethod.Get, $"/api/v1/orders/{id}", Guid.CreateVersion7());
            answer.StatusCode.ShouldBe(HttpStatusCode.NotFound);
            ((string)(await BillingApp.BodyAsync(answer))["code"]!).ShouldBe("not_found");
        }

        using var list = await App.SendAsync(HttpMethod.Get, "/api/v1/orders", Guid.CreateVersion7());
        (await BillingApp.BodyAsync(list))["items"]!.AsArray().ShouldBeEmpty();
    }

    [Fact]
    public async Task List_is_paged_newest_first_without_gap_or_repetition()
    {
        var account = Guid.CreateVersion7();
        var placed = new List<Guid>();
        for (var count = 0; count < 5; count++)
        {
            using var answer = await App.CheckOutAsync(account);
            placed.Insert(0, (Guid)(await BillingApp.BodyAsync(answer))["orderId"]!);
        }

        var seen = new List<Guid>();
        string? cursor = null;
        do
        {
            using var answer = await App.SendAsync(HttpMethod.Get, $"/api/v1/orders?limit=2&cursor={cursor}", account);
            var page = await BillingApp.BodyAsync(answer);
            seen.AddRange(page["items"]!.AsArray().Select(item => (Guid)item!["id"]!));
            cursor = (string?)page["nextCursor"];
        }
        while (cursor is not null);
        seen.ShouldBe(placed, ignoreOrder: true);
        seen.ShouldBe(seen.OrderDescending());
    }

    [Theory]
    [InlineData("/api/v1/orders?limit=0", HttpStatusCode.BadRequest, "validation_failed")]
    [InlineData("/api/v1/orders?cursor=nonsense", HttpStatusCode.BadRequest, "validation_failed")]
    [InlineData("/api/v1/orders/nonsense", HttpStatusCode.NotFound, "not_found")]
    public async Task Bad_question_gets_its_code(string path, HttpStatusCode status, string code)
    {
        using var answer = await App.SendAsync(HttpMethod.Get, path, Guid.CreateVersion7());
        answer.StatusCode.ShouldBe(status);
        ((string)(await BillingApp.BodyAsync(answer))["code"]!).ShouldBe(code);
    }

    [Fact]
    public async Task Nobody_has_no_orders_and_is_told_so()
    {
        using var answer = await App.SendAsync(HttpMethod.Get, "/api/v1/orders");
        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Token_of_another_service_is_refused()
    {
        using var answer = await App.SendAsync(HttpMethod.Get, "/api/v1/orders", Guid.CreateVersion7(), issuer: "staging-worker");
        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("update orders set amount = 1")]
    [InlineData("update orders set credits = 1000")]
    [InlineData("update orders set account_id = gen_random_uuid()")]
    [InlineData("delete from orders")]
    [InlineData("update stripe_events set payload = ''")]
    [InlineData("delete from stripe_events")]
    public async Task Service_itself_cannot_change_what_was_offered_or_said(string sql)
    {
        await using var connection = new NpgsqlConnection(App.Connection);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        var error = await Should.ThrowAsync<PostgresException>(() => command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken));
        error.SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege);
    }

    [Fact]
    public async Task Plans_are_listed_for_everybody()
    {
        using var answer = await App.SendAsync(HttpMethod.Get, "/api/v1/plans");
        var plans = (await BillingApp.BodyAsync(answer))["items"]!.AsArray();
        JsonNode.DeepEquals(
            plans[1], JsonNode.Parse("""{"id":"value","name":"Value","price":2500,"currency":"usd","credits":20,"durationDays":365}""")).ShouldBeTrue();
        plans.Select(plan => (string)plan!["id"]!).ShouldBe(["quick", "value", "pro"]);
    }
}
