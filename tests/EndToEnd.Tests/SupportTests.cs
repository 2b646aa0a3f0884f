using System.Buffers.Text;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using HomeStage.Testing;

namespace HomeStage.EndToEnd.Tests;

/// <summary>What support people do with <c>./homestage support</c>, on the running system.</summary>
[Collection(SharedStack.Collection)]
public sealed class SupportTests(SharedStack shared)
{
    private TestStack Stack => shared.Stack;

    [Fact]
    public async Task An_order_is_explained_from_its_placing_to_its_credits()
    {
        using var visitor = await Visitor.ArriveAsync(Stack);
        var order = await visitor.BuyAsync("value");

        var explained = await SupportAsync("order", $"{order}");

        var steps = explained["steps"]!.AsArray().Select(step => (string)step!["what"]!).ToList();
        steps.ShouldContain("placed");
        steps.ShouldContain("checkout.session.completed");
        steps[^1].ShouldBe("grant");
        explained["advice"].ShouldBeNull();
        var found = await SupportAsync("account", "--order", $"{order}");
        ((int)found["accounts"]![0]!["available"]!).ShouldBe(20);
        var (exitCode, table) = await ToolCommand.RunAsync(Stack, "support", "account", "--stripe", (string)explained["order"]!["sessionId"]!);
        exitCode.ShouldBe(0, table);
        table.ShouldContain("20 credits available");
    }

    [Fact]
    public async Task A_webhook_that_never_came_is_made_up_for_by_a_reconciliation()
    {
        using var visitor = await Visitor.ArriveAsync(Stack);
        await StripeAsync("/control/faults", new { kind = "webhook_drop", match = "checkout.session.completed" });
        var (order, url) = await visitor.CheckOutAsync("quick");
        await StripeAsync($"/control/checkout/{SessionOf(url)}/pay", new { });
        (await visitor.AvailableAsync()).ShouldBe(0);

        await ToolCommand.RunAsync(Stack, "support", "reconcile");

        await Eventually.Async(async () => await visitor.AvailableAsync() == 5, "the credits have arrived");
        (await SupportAsync("order", $"{order}"))["advice"].ShouldBeNull();
    }

    [Fact]
    public async Task A_refund_takes_credits_back_and_a_dispute_freezes_them_until_it_is_won()
    {
        using var visitor = await Visitor.ArriveAsync(Stack);
        var (order, url) = await visitor.CheckOutAsync("value");
        await StripeAsync($"/control/checkout/{SessionOf(url)}/pay", new { });
        await AvailableAsync(visitor, 20);

        await StripeAsync("/control/refunds", new { of = SessionOf(url), amount = 1250 });
        await AvailableAsync(visitor, 10);
        var dispute = await StripeAsync("/control/disputes", new { of = SessionOf(url), amount = 1250 });
        await AvailableAsync(visitor, 0);
        ((string)(await visitor.ReadAsync($"/api/v1/orders/{order}"))["status"]!).ShouldBe("disputed");
        await StripeAsync($"/control/disputes/{dispute["id"]}/won", new { });
        await AvailableAsync(visitor, 10);

        ((string)(await visitor.ReadAsync($"/api/v1/orders/{order}"))["status"]!).ShouldBe("partially_refunded");
        var kinds = (await visitor.ReadAsync("/api/v1/credits/entries"))["items"]!.AsArray().Select(entry => (string)entry!["kind"]!);
        kinds.ShouldBe(["thaw", "freeze", "revoke", "grant"]);
        (await AuditAsync()).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task Credits_are_granted_extended_taken_and_given_back_each_with_its_reason_and_once_for_a_key()
    {
        using var visitor = await Visitor.ArriveAsync(Stack);
        var order = await visitor.BuyAsync("quick");
        var account = (string)(await SupportAsync("account", "--order", $"{order}"))["accounts"]![0]!["id"]!;

        var grant = (string)(await SupportAsync("grant", account, "3", "--days", "30", "--reason", "a picture came out badly", "--key", "goodwill-1"))["id"]!;
        ((string)(await SupportAsync("grant", account, "3", "--days", "30", "--reason", "a picture came out badly", "--key", "goodwill-1"))["id"]!).ShouldBe(grant);
        (await visitor.AvailableAsync()).ShouldBe(8);
        var before = (DateTimeOffset)(await SupportAsync("account", "--account", account))["accounts"]![0]!["grants"]!.AsArray().Single(one => (string)one!["id"]! == grant)!["expiresAt"]!;
        ((DateTimeOffset)(await SupportAsync("extend", grant, "--days", "10", "--reason", "was ill"))["expiresAt"]!).ShouldBe(before.AddDays(10));
        ((int)(await SupportAsync("revoke", grant, "--credits", "2", "--reason", "granted by mistake"))["remaining"]!).ShouldBe(1);
        ((int)(await SupportAsync("restore", grant, "--reason", "was no mistake"))["remaining"]!).ShouldBe(3);
        await SupportAsync("freeze", account, "--reason", "somebody else may have the cookie");
        (await visitor.AvailableAsync()).ShouldBe(0);
        using (var refused = await visitor.SubmitAsync())
            ((string)(await refused.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken))!["code"]!).ShouldBe("account_frozen");
        await SupportAsync("thaw", account, "--reason", "it was the owner");

        (await visitor.AvailableAsync()).ShouldBe(8);
        var reasons = (await SupportAsync("history", "--subject", grant))["items"]!.AsArray().Select(line => (string)line!["reason"]!);
        reasons.ShouldBe(["was no mistake", "granted by mistake", "was ill"]);
        (await AuditAsync()).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task An_order_is_checked_an_account_extended_a_grant_corrected_and_an_address_blocked()
    {
        using var visitor = await Visitor.ArriveAsync(Stack);
        var order = await visitor.BuyAsync("quick");
        var found = (await SupportAsync("account", "--order", $"{order}"))["accounts"]![0]!;
        var grant = found["grants"]![0]!;

        var check = await SupportAsync("check", $"{order}");
        ((string)check["order"]!["status"]!, check["advice"]).ShouldBe(("paid", null));
        ((int)(await SupportAsync("extend-account", (string)found["id"]!, "--days", "2", "--reason", "outage of the 22nd"))["grants"]!).ShouldBe(1);
        var corrected = await SupportAsync("adjust", (string)grant["id"]!, "--credits", "-2", "--reason", "the pack was meant to have 3");
        ((int)corrected["remaining"]!, (DateTimeOffset)corrected["expiresAt"]!).ShouldBe((3, ((DateTimeOffset)grant["expiresAt"]!).AddDays(2)));
        var hash = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        await SupportAsync("block", hash, "--days", "90", "--reason", "dispute dp_1");
        (await BlockedAsync()).ShouldContain(hash);
        await SupportAsync("unblock", hash, "--reason", "it was somebody else");
        (await BlockedAsync()).ShouldNotContain(hash);

        async Task<IEnumerable<string>> BlockedAsync() =>
            (await SupportAsync("blocks"))["blocks"]!.AsArray().Select(block => (string)block!["addressHash"]!);
    }

    [Fact]
    public async Task A_ledger_with_a_broken_rule_is_told_with_the_row()
    {
        using var visitor = await Visitor.ArriveAsync(Stack);
        var order = await visitor.BuyAsync("quick");
        await ExecuteAsync($"update grants set captured = captured + 1, remaining = remaining - 1 where order_id = '{order}'");
        try
        {
            var (exitCode, output) = await AuditAsync();

            exitCode.ShouldBe(1);
            output.ShouldContain("sum up to its remaining credits");
        }
        finally
        {
            await ExecuteAsync($"update grants set captured = captured - 1, remaining = remaining + 1 where order_id = '{order}'");
        }
    }

    [Fact]
    public async Task Dead_letters_are_counted_for_every_queue_there_is_and_go_on_their_way_again()
    {
        var queues = (await SupportAsync("dead-letters"))["queues"]!.AsArray();

        var declared = await Stack.QueuesAsync();
        queues.Select(queue => (string)queue!["queue"]! + "_error").Order().ShouldBe(declared.Where(name => name.EndsWith("_error", StringComparison.Ordinal)).Order());
        var resent = await SupportAsync("resend", "entitlements.payment-completed", "--reason", "to see that nothing is there");
        ((int)resent["moved"]!, (int)resent["left"]!).ShouldBe((0, 0));
    }

    [Fact]
    public async Task Whoever_is_unknown_is_refused_and_a_command_without_a_reason_is_not_sent()
    {
        var (exitCode, output) = await ToolCommand.RunAsAsync(Stack, "guessed", "support", "audit");
        exitCode.ShouldBe(1);
        output.ShouldContain("401");

        (exitCode, output) = await ToolCommand.RunAsync(Stack, "support", "freeze", $"{Guid.NewGuid()}");
        exitCode.ShouldBe(1);
        output.ShouldContain("--reason");
    }

    private static string SessionOf(Uri checkout) => checkout.Segments[^1];

    private static Task AvailableAsync(Visitor visitor, int credits) =>
        Eventually.Async(async () => await visitor.AvailableAsync() == credits, $"{credits} credits are available");

    private Task<JsonNode> SupportAsync(params string[] arguments) => ToolCommand.SupportAsync(Stack, arguments);

    private Task<(int ExitCode, string Output)> AuditAsync() => ToolCommand.RunAsync(Stack, "support", "audit");

    private async Task<JsonObject> StripeAsync(string path, object body)
    {
        using var stripe = new HttpClient { BaseAddress = Stack.Stripe };
        using var answer = await stripe.PostAsJsonAsync(path, body, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        answer.IsSuccessStatusCode.ShouldBeTrue(text);
        return JsonNode.Parse(text.Length > 0 ? text : "{}") as JsonObject ?? [];
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var database = Npgsql.NpgsqlDataSource.Create(Stack.AdminConnection("entitlements"));
        await using var command = database.CreateCommand(sql);
        (await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken)).ShouldBe(1);
    }
}
