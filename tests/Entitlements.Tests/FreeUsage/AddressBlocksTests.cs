using System.Net.Http.Headers;
using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.FreeUsage;

[Collection(nameof(OneService))]
public sealed class AddressBlocksTests(EntitlementsFixture fixture)
{
    private readonly EntitlementsApp _app = fixture.App;
    private readonly Guid _account = Guid.CreateVersion7();
    private readonly string _household = Household();

    [Fact]
    public async Task A_blocked_household_gets_nothing_for_free_and_may_buy()
    {
        (await BlockAsync()).Ok();

        var answer = await _app.HoldAsync(Guid.CreateVersion7(), Hold(_account, quality: "draft", addressHash: _household));

        (answer.Status, answer.Code, (int)answer.Body!["freeLeft"]!).ShouldBe((402, "free_blocked", 0));
        ((int)(await _app.CreditsAsync(_account, _household))["free"]!["left"]!).ShouldBe(0);
        await _app.GrantAsync(_account, 1);
        (await _app.HoldAsync(Guid.CreateVersion7(), Hold(_account, quality: "draft", addressHash: _household))).Status.ShouldBe(200);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_block_ends_by_itself_or_by_command()
    {
        (await BlockAsync(_app.Clock.Now.AddHours(1))).Ok();
        _app.Clock.Pass(TimeSpan.FromHours(1));
        (await _app.HoldAsync(Guid.CreateVersion7(), Hold(_account, quality: "draft", addressHash: _household))).Status.ShouldBe(200);

        (await BlockAsync()).Ok();
        (await _app.HoldAsync(Guid.CreateVersion7(), Hold(_account, quality: "draft", addressHash: _household))).Status.ShouldBe(402);
        (await _app.SupportAsync(HttpMethod.Delete, $"/support/blocks/{_household}", new { reason = "it was somebody else" })).Ok();
        (await _app.HoldAsync(Guid.CreateVersion7(), Hold(_account, quality: "draft", addressHash: _household))).Status.ShouldBe(200);
        (await _app.ScalarAsync<string>($"select string_agg(action, ' ' order by number) from support_audit where subject = '{_household}'")).ShouldBe("block block unblock");
    }

    [Fact]
    public async Task Gateways_read_the_blocks_that_hold_and_learn_cheaply_that_nothing_changed()
    {
        await BlockAsync(_app.Clock.Now.AddHours(1));
        var (status, tag, body) = await PollAsync(known: null);
        (status, body.Contains(_household)).ShouldBe((200, true));

        (status, _, body) = await PollAsync(tag);
        (status, body).ShouldBe((304, ""));

        _app.Clock.Pass(TimeSpan.FromHours(1));
        (status, _, body) = await PollAsync(tag);
        (status, body.Contains(_household)).ShouldBe((200, false));
        (await _app.SendAsync(HttpMethod.Get, "/internal/blocks", "staging-api")).Status.ShouldBe(403);
    }

    [Fact]
    public async Task Support_reads_who_blocked_whom_and_why()
    {
        await BlockAsync();

        var block = (await _app.SupportAsync(HttpMethod.Get, "/support/blocks", token: TestOperators.Reading)).Ok()["blocks"]!.AsArray()
            .Single(one => (string)one!["addressHash"]! == _household)!;

        ((string)block["reason"]!, (string)block["blockedBy"]!, block["until"]).ShouldBe(("many visitors at once", "desk-1", null));
        (await BlockAsync(_app.Clock.Now)).Code.ShouldBe("validation_failed");
    }

    [Theory]
    [InlineData("203.0.113.7")]
    [InlineData("2001:db8::1")]
    [InlineData("h-0123456789012345678901234567890123456789")]
    [InlineData("0123456789012345678901234567890123456789012%0A")]
    public async Task Whatever_is_no_hash_is_refused_and_leaves_no_trace(string address)
    {
        var before = await _app.ScalarAsync<long>("select count(*) from support_audit");

        foreach (var method in (HttpMethod[])[HttpMethod.Put, HttpMethod.Delete])
        {
            var answer = await _app.SupportAsync(method, $"/support/blocks/{address}", new { reason = "many visitors at once" });

            (answer.Status, answer.Code).ShouldBe((400, "validation_failed"));
            ((string)answer.Body!["errors"]!["iph"]![0]!).ShouldContain("security events");
        }

        (await _app.ScalarAsync<long>("select count(*) from support_audit")).ShouldBe(before);
    }

    [Fact]
    public async Task A_block_that_is_no_hash_can_be_ended()
    {
        await _app.ExecuteAsync($"insert into address_blocks values ('203.0.113.7', null, 'before only hashes were taken', 'desk-1', now())");

        (await _app.SupportAsync(HttpMethod.Delete, "/support/blocks/203.0.113.7", new { reason = "blocks nobody" })).Ok();

        (await _app.ScalarAsync<long>("select count(*) from address_blocks where address_hash = '203.0.113.7'")).ShouldBe(0);
    }

    private Task<Answer> BlockAsync(DateTimeOffset? until = null) =>
        _app.SupportAsync(HttpMethod.Put, $"/support/blocks/{_household}", new { until, reason = "many visitors at once" });

    private async Task<(int Status, string Tag, string Body)> PollAsync(string? known)
    {
        using var http = new HttpClient { BaseAddress = new Uri(_app.Settings["HTTP_URL"]) };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/internal/blocks");
        request.Headers.Authorization = new("Bearer", _app.ServiceToken("gateway"));
        if (known is not null)
            request.Headers.IfNoneMatch.Add(EntityTagHeaderValue.Parse(known));
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        return ((int)answer.StatusCode, answer.Headers.ETag!.ToString(), await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
