using System.Security.Cryptography;
using System.Text;
using HomeStage.Billing.Orders;
using HomeStage.Billing.Tests.Support;

namespace HomeStage.Billing.Tests.Orders;

public sealed class RestoreCodesTests(BillingFixture fixture) : IClassFixture<BillingFixture>
{
    private BillingApp App => fixture.App;

    // Computed beforehand with Python: base64.b32encode(hmac.digest(key, id, 'sha256')[:16]) with Crockford's letters in place of RFC 4648's.
    [Theory]
    [InlineData("019ac000-0000-7000-8000-000000000001", "N82DT2NKE44W1GY76WQX5W091C")]
    [InlineData("019ac000-0000-7000-8000-0000000000ff", "FR10KF611GR8SBPSVNSN3FDQK8")]
    public void Code_is_derived_from_the_order_and_the_key(string order, string code)
    {
        var codes = new RestoreCodes(BillingApp.RestoreCodeKey);
        codes.Canonical(Guid.Parse(order)).ShouldBe(code);
        codes.Shown(Guid.Parse(order)).Replace("-", "", StringComparison.Ordinal).ShouldBe(code);
        codes.Shown(Guid.Parse(order)).ShouldMatch("^([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{6}$");
        new RestoreCodes(BillingApp.RestoreCodeKey + "x").Canonical(Guid.Parse(order)).ShouldNotBe(code);
    }

    [Fact]
    public async Task Visitor_who_paid_sees_the_code_and_entitlements_gets_its_hash()
    {
        var order = await App.PlaceOrderAsync();
        (await App.OrderAsync(order)).ContainsKey("restoreCode").ShouldBeFalse();
        await App.DeliverOkAsync(Fixture.Event("checkout.session.completed", Fixture.Session(order.Id, order.SessionId)));
        var code = (string)(await App.OrderAsync(order))["restoreCode"]!;
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(code.Replace("-", "", StringComparison.Ordinal))));
        (await App.PaymentsAsync(order.Id)).ShouldHaveSingleItem().RestoreCodeHash.ShouldBe(hash);
        (await App.CountAsync("select count(*) from orders where orders::text like '%' || $1 || '%'", code[..5])).ShouldBe(0);
    }

    [Fact]
    public async Task Member_and_list_show_no_code()
    {
        var order = await App.PayOrderAsync();
        using var answer = await App.SendAsync(HttpMethod.Get, $"/api/v1/orders/{order.Id}", order.AccountId, "member");
        (await BillingApp.BodyAsync(answer)).ContainsKey("restoreCode").ShouldBeFalse();
        using var list = await App.SendAsync(HttpMethod.Get, "/api/v1/orders", order.AccountId);
        (await BillingApp.BodyAsync(list))["items"]!.AsArray().ShouldHaveSingleItem()!.AsObject().ContainsKey("restoreCode").ShouldBeFalse();
    }
}
