using HomeStage.Contracts;
using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.Support;

[Collection(nameof(OneService))]
public sealed class SupportReadsTests(EntitlementsFixture fixture)
{
    private readonly EntitlementsApp _app = fixture.App;
    private readonly Guid _account = Guid.CreateVersion7();
    private readonly Guid _order = Guid.CreateVersion7();
    private readonly Guid _job = Guid.CreateVersion7();

    [Fact]
    public async Task An_account_is_found_by_whatever_a_person_knows_of_it()
    {
        var into = Guid.CreateVersion7();
        await _app.GrantAsync(_account, _order, 20, days: 30);
        await _app.HoldAsync(_job, Hold(_account, credits: 2));
        await _app.MergeAsync(_account, into);
        await _app.SignsInAsync(into);
        _app.Billing.Add(_order, into, _app.Clock.Now);
        _app.Billing.Known["stripeId=cs_test_1"] = _order;
        _app.Billing.Known["email=somebody+1@example.test"] = _order;

        foreach (var query in new[] { $"account={_account}", $"account={into}", $"order={_order}", $"job={_job}", "stripe=cs_test_1", "email=somebody%2B1@example.test" })
        {
            var found = (await FindAsync(query)).Ok()["accounts"]!.AsArray().ShouldHaveSingleItem()!;

            ((Guid)found["id"]!, (Guid)found["aliases"]![0]!, (bool)found["signsIn"]!).ShouldBe((into, _account, true), query);
            ((int)found["available"]!, (int)found["held"]!, (int)found["grants"]![0]!["remaining"]!).ShouldBe((18, 2, 18));
            ((Guid)found["openHolds"]![0]!["jobId"]!, (int)found["entries"]!.AsArray().Count, (Guid)found["orders"]![0]!["orderId"]!).ShouldBe((_job, 4, _order));
        }

        var audit = (await _app.SupportAsync(HttpMethod.Get, $"/support/audit?subject={into}")).Ok()["items"]!.AsArray();
        audit.Select(line => $"{line!["actor"]} {line["action"]} by {line["arguments"]!["by"]}").ShouldBe([
            "desk-2 show_account by email", "desk-2 show_account by stripe", "desk-2 show_account by job", "desk-2 show_account by order",
            "desk-2 show_account by account", "desk-2 show_account by account"]);
        (await _app.ScalarAsync<long>("select count(*) from support_audit a where a::text like '%example.test%'")).ShouldBe(0);
    }

    [Fact]
    public async Task An_order_that_never_became_a_grant_leads_to_its_account_all_the_same()
    {
        await _app.GrantAsync(_account, 1);
        _app.Billing.Add(_order, _account, _app.Clock.Now);

        (await FindAsync($"order={_order}")).Ok()["accounts"]![0]!["id"]!.ToString().ShouldBe(_account.ToString());
    }

    [Fact]
    public async Task While_billing_is_away_the_ledger_is_shown_and_what_only_billing_knows_is_unavailable()
    {
        await using var billing = new Restored(_app.Billing);
        await _app.GrantAsync(_account, _order, 20, days: 30);
        _app.Billing.Away = true;

        (await FindAsync($"order={_order}")).Ok()["accounts"]![0]!["orders"].ShouldBeNull();
        (await FindAsync("email=a@example.test")).Code.ShouldBe("unavailable");
        (await _app.SupportAsync(HttpMethod.Get, $"/support/orders/{_order}")).Code.ShouldBe("unavailable");
    }

    [Theory]
    [InlineData("")]
    [InlineData("account=00000000-0000-0000-0000-000000000001&job=00000000-0000-0000-0000-000000000001")]
    [InlineData("account=nobody")]
    public async Task A_question_that_makes_no_sense_is_refused(string query) => (await FindAsync(query)).Code.ShouldBe("validation_failed");

    [Theory]
    [InlineData("account")]
    [InlineData("order")]
    [InlineData("job")]
    [InlineData("stripe")]
    [InlineData("email")]
    public async Task What_nobody_knows_is_not_found(string by) => (await FindAsync($"{by}={Guid.CreateVersion7()}")).Code.ShouldBe("not_found");

    [Fact]
    public async Task An_order_is_explained_with_the_steps_of_both_services_in_order_of_time()
    {
        var start = _app.Clock.Now;
        await _app.GrantAsync(_account, _order, 20, days: 30);
        _app.Clock.Pass(TimeSpan.FromHours(1));
        await _app.HoldAsync(_job, Hold(_account, credits: 2));
        await _app.SettleAsync(_account, _job, creditsUsed: 2);
        _app.Clock.Pass(TimeSpan.FromHours(1));
        await _app.AdjustAsync(_order, 2500, 2500, revision: 2);
        _app.Billing.Add(_order, _account, start, paid: true, Step(start, "payment_sent"), Step(start.AddMinutes(90), "refund.created"));

        var explained = (await _app.SupportAsync(HttpMethod.Get, $"/support/orders/{_order}", token: TestOperators.Reading)).Ok();

        explained["steps"]!.AsArray().Select(step => (string)step!["what"]!).ShouldBe(
            ["payment_sent", "grant", "hold", "capture", "refund.created", "adjustment_received", "revoke"]);
        ((string)explained["steps"]![3]!["detail"]!).ShouldBe($"Used 2 credits for a staging; 18 credits left. By staging-api, for job {_job}.");
        explained["advice"].ShouldBeNull();
        (await _app.ScalarAsync<string>($"select actor from support_audit where subject = '{_order}' and action = 'show_order'")).ShouldBe("desk-2");
    }

    [Fact]
    public async Task A_paid_order_without_a_grant_comes_with_advice()
    {
        _app.Billing.Add(_order, _account, _app.Clock.Now);
        var unpaid = Guid.CreateVersion7();
        _app.Billing.Add(unpaid, _account, _app.Clock.Now, paid: false);

        ((string)(await _app.SupportAsync(HttpMethod.Get, $"/support/orders/{_order}")).Ok()["advice"]!).ShouldContain("./homestage support dead-letters");
        (await _app.SupportAsync(HttpMethod.Get, $"/support/orders/{unpaid}")).Ok()["advice"].ShouldBeNull();
        (await _app.SupportAsync(HttpMethod.Get, $"/support/orders/{Guid.CreateVersion7()}")).Status.ShouldBe(404);
    }

    [Fact]
    public async Task Billing_checks_an_order_and_reconciles_on_demand_and_both_are_on_record()
    {
        _app.Billing.Add(_order, _account, _app.Clock.Now);

        (await _app.CommandAsync($"/support/orders/{_order}/check", new { reason = "the customer paid" })).Ok()["order"]!["orderId"]!.ToString().ShouldBe(_order.ToString());
        ((int)(await _app.CommandAsync("/support/reconcile", new { reason = "after the outage" })).Ok()["new"]!).ShouldBe(2);

        _app.Billing.Commands.ShouldBe([$"check {_order}", "reconcile"]);
        (await _app.ScalarAsync<long>("select count(*) from support_audit where reason in ('the customer paid', 'after the outage') and actor = 'desk-1'")).ShouldBe(2);
    }

    [Fact]
    public async Task The_ledger_is_checked_rule_by_rule()
    {
        (await _app.SupportAsync(HttpMethod.Get, "/support/ledger/violations", token: TestOperators.Reading)).Ok().ToJsonString()
            .ShouldBe("""{"violations":[]}""");
        await _app.ExecuteAsync("insert into free_days values ('2031-01-01', 1)");

        var violation = (await _app.SupportAsync(HttpMethod.Get, "/support/ledger/violations")).Ok()["violations"]!.AsArray().ShouldHaveSingleItem()!;

        ((string)violation["rule"]!, (string)violation["subject"]!).ShouldBe(("the day counts what its households count", "2031-01-01"));
        await _app.ExecuteAsync("delete from free_days where day = '2031-01-01'");
    }

    private static OrderStep Step(DateTimeOffset at, string what) => new() { At = at, What = what, Detail = what };

    private Task<Answer> FindAsync(string query) => _app.SupportAsync(HttpMethod.Get, $"/support/accounts?{query}", token: TestOperators.Reading);

    private sealed class Restored(TestBilling billing) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            billing.Away = false;
            return ValueTask.CompletedTask;
        }
    }
}
