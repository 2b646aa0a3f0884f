using HomeStage.Contracts;
using HomeStage.Testing;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.Accounts;

public sealed class AccountMergedTests(StagingFixture fixture) : IClassFixture<StagingFixture>
{
    private readonly StagingApp _app = fixture.App;

    [Fact]
    public async Task Everything_of_a_merged_account_is_the_others_and_nothing_the_other_way_round()
    {
        var (from, into) = (_app.Visitor(), _app.Visitor(kind: "member"));
        var job = await from.SubmitAsync();
        var photo = (await from.UploadAsync(Samples.Photo)).Text("id");
        (await into.GetAsync(job)).Status.ShouldBe(404);

        await MergeAsync(from, into);

        (await into.GetAsync(job)).Status.ShouldBe(200);
        (await into.GetAsync("/api/v1/stagings")).Body!["items"]!.AsArray().Count.ShouldBe(1);
        (await into.GetAsync($"/api/v1/stagings/{job}/original")).Status.ShouldBe(200);
        (await into.SubmitJsonAsync(Visitor.Fields(("photoId", photo)))).Status.ShouldBe(202);
        await using (var events = await into.EventsAsync(job))
            ((int)events.Response.StatusCode).ShouldBe(200);
        (await into.SendAsync(HttpMethod.Post, $"/api/v1/stagings/{job}/cancel")).Text("result").ShouldBe("canceled");
        (await into.SendAsync(HttpMethod.Delete, $"/api/v1/stagings/{job}")).Status.ShouldBe(204);

        var own = await into.SubmitAsync();
        (await from.GetAsync(own)).Status.ShouldBe(404);
        (await _app.Visitor().GetAsync(own)).Status.ShouldBe(404);
        // Nothing is re-keyed: the job is settled for the account that held its credits.
        (await _app.SettledAsync(job)).AccountId.ShouldBe(from.Account);
    }

    [Fact]
    public async Task A_key_that_was_used_before_the_merge_is_still_used()
    {
        var (from, into) = (_app.Visitor(), _app.Visitor(kind: "member"));
        var first = await from.SubmitFormAsync(key: "k");
        await MergeAsync(from, into);

        var again = await into.SubmitFormAsync(key: "k");

        (again.Status, again.Text("id")).ShouldBe((202, first.Text("id")));
        (await into.SubmitFormAsync(Visitor.Fields(("style", "modern")), key: "k")).Code.ShouldBe("idempotency_conflict");
    }

    [Fact]
    public async Task What_comes_late_for_a_merged_account_is_in_the_others_stream()
    {
        var (from, into) = (_app.Visitor(), _app.Visitor(kind: "member"));
        var job = await from.SubmitAsync();
        await MergeAsync(from, into);
        await using var events = await into.EventsAsync();
        (await events.NextAsync())!.Data["jobs"]!.AsArray().Count.ShouldBe(1);

        await _app.ClaimAsync(job);
        (await events.NextAsync())!.ShouldSatisfyAllConditions(item => item.Type.ShouldBe("running"), item => item.Text("jobId").ShouldBe(job.ToString()));
        await _app.PublishAsync(new CreditsChanged { AccountId = from.Account });
        (await events.NextAsync())!.Type.ShouldBe("credits");
        await _app.PublishAsync(await Samples.StagedAsync(_app.Blobs, job, 1, 1));
        (await events.NextAsync())!.Type.ShouldBe("succeeded");
    }

    [Fact]
    public async Task Chains_are_flat_in_whatever_order_their_links_arrive_and_how_often()
    {
        foreach (var order in new int[][] { [0, 1, 0], [1, 0, 1] })
        {
            var (first, second, last) = (_app.Visitor(), _app.Visitor(), _app.Visitor(kind: "member"));
            var job = await first.SubmitAsync();
            (Visitor From, Visitor Into)[] links = [(first, second), (second, last)];
            foreach (var link in order)
                await _app.PublishAsync(new AccountMerged { From = links[link].From.Account, Into = links[link].Into.Account });

            await Eventually.Async(async () => (await last.GetAsync(job)).Status == 200, "the end of the chain has the job");
        }
    }

    [Fact]
    public async Task A_program_holds_with_its_key_and_never_for_free()
    {
        var program = _app.Visitor(kind: "key");
        var job = await program.SubmitAsync();

        _app.Entitlements.Holds[job].AddressHash.ShouldBeNull();
        _app.Entitlements.Holds[job].ApiKeyId.ShouldBe(program.Account);
    }

    private async Task MergeAsync(Visitor from, Visitor into)
    {
        await _app.PublishAsync(new AccountMerged { From = from.Account, Into = into.Account });
        await Eventually.Async(async () => await _app.CountAsync($"account_aliases where from_account = '{from.Account}'") == 1, "the merge has arrived");
    }
}
