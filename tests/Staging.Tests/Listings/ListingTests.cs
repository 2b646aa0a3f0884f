using System.IO.Compression;
using HomeStage.Contracts;
using HomeStage.Staging.Attempts;
using HomeStage.Testing;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.Listings;

[Collection(ListingScene.Name)]
public sealed class ListingTests(StagingFixture fixture)
{
    private readonly StagingApp _app = fixture.App;

    [Fact]
    public async Task A_listing_is_held_in_one_step_furnished_alike_and_followed_to_its_end()
    {
        var visitor = _app.Visitor();
        var photos = await visitor.PhotosAsync(3);
        var submitted = await visitor.SubmitListingAsync(Visitor.Listing(photos, ("quality", "high"), ("name", " 12 Elm Street "), ("prompt", "a green sofa"), ("variations", 2)));

        submitted.Status.ShouldBe(202, submitted.Body?.ToString());
        var (id, listing) = (submitted.Text("id"), submitted.Body!);
        submitted.Response.Headers.Location!.ToString().ShouldBe($"/api/v1/listings/{id}");
        (submitted.Text("name"), submitted.Text("status"), submitted.Text("take"), (int)listing["photos"]!).ShouldBe(("12 Elm Street", "queued", "all", 3));
        listing["cost"]!.ToJsonString().ShouldBe("""{"credits":12,"free":false}""");
        listing["receipt"]!.ToJsonString().ShouldBe("""{"held":12,"captured":0,"released":0}""");
        listing["items"]!.AsArray().Select(item => (string)item!["photoId"]!).ShouldBe(photos.Select(photo => photo.ToString()));
        _app.Entitlements.Lists[visitor.Account].ShouldBe(1);
        var jobs = listing["items"]!.AsArray().Select(item => Guid.Parse((string)item!["staging"]!["id"]!)).ToList();
        await using var events = await visitor.ListingEventsAsync(Guid.Parse(id));
        var snapshot = (await events.NextAsync())!;
        snapshot.Type.ShouldBe("snapshot");
        snapshot.Data.Statuses().ShouldBe(["queued", "queued", "queued"]);

        // The first goes alone; the others are shown what came of it.
        (await _app.RenderAsync(jobs[0])).ShouldSatisfyAllConditions(work => work.OfSeveral.ShouldBeTrue(), work => work.ReferenceBlob.ShouldBeNull(), work => work.Options.Words.ShouldBe("a green sofa"));
        (await _app.SentAsync(jobs[1])).ReferenceBlob.ShouldBe($"{jobs[0]}/1/1-clean.jpg");
        (await _app.RenderAsync(jobs[2])).ReferenceBlob.ShouldBe($"{jobs[0]}/1/1-clean.jpg");
        await _app.FailAsync(jobs[1]);

        var told = await events.ToEndAsync();
        told[^1].Type.ShouldBe("listing_ended");
        (told[^1].Text("status"), (int)told[^1].Data["pictures"]!, (int)told[^1].Data["counts"]!["failed"]!).ShouldBe(("partial", 4, 1));
        var numbers = told.Prepend(snapshot).Select(item => int.Parse(item.Id!.Split('.')[0])).ToList();
        numbers.ShouldBe(Enumerable.Range(numbers[0], numbers.Count));
        told.Where(item => item.Type is "succeeded" or "failed").Select(item => item.Text("jobId")).ShouldBe(jobs.Select(job => job.ToString()), ignoreOrder: true);
        told.SkipLast(1).ShouldAllBe(item => item.Text("listingId") == id);

        // Who was away in the middle gets the rest; who has the end is sent away; who comes late sees the end.
        await using (var resumed = await visitor.ListingEventsAsync(Guid.Parse(id), told[1].Id))
            (await resumed.ToEndAsync()).Select(item => item.Id).ShouldBe(told.Skip(2).Select(item => item.Id));
        await using (var over = await visitor.ListingEventsAsync(Guid.Parse(id), told[^1].Id))
            ((int)over.Response.StatusCode).ShouldBe(204);
        await using (var late = await visitor.ListingEventsAsync(Guid.Parse(id)))
            (await late.ToEndAsync()).ShouldHaveSingleItem().Text("status").ShouldBe("partial");

        var ended = (await visitor.GetAsync($"/api/v1/listings/{id}")).Body!;
        ended.Statuses().ShouldBe(["succeeded", "failed", "succeeded"]);
        ended["receipt"]!.ToJsonString().ShouldBe("""{"held":12,"captured":8,"released":4}""");
        (ended["urls"]!["cancel"], ended["pollAfterSeconds"]).ShouldBe((null, null));
        (await _app.SettledAsync(jobs[1])).CreditsUsed.ShouldBe(0);
        (await NamesInAsync(visitor, id)).ShouldBe(
            new[] { 1, 3 }.SelectMany(n => new[] { 1, 2 }.SelectMany(k => new[] { "clean", "virtually-staged" }.Select(kind => $"0{n}-living-room-scandinavian-{k}-{kind}.jpg"))));
        (await visitor.GetAsync(jobs[0])).Text("listingId").ShouldBe(id);
        (await visitor.GetAsync($"/api/v1/listings/{id}/results.zip")).Response.Content.Headers.ContentDisposition!.FileName.ShouldBe("listing-12-elm-street.zip");
    }

    [Fact]
    public async Task As_many_as_the_credits_allow_are_staged_and_of_the_others_it_is_said_why()
    {
        var visitor = _app.Visitor();
        _app.Entitlements.Credits[visitor.Account] = 3;
        var key = Guid.NewGuid().ToString();
        var fields = Visitor.Listing(await visitor.PhotosAsync(5), ("take", "as_many"));

        var submitted = await visitor.SubmitListingAsync(fields, key);

        submitted.Status.ShouldBe(202, submitted.Body?.ToString());
        submitted.Body!.Statuses().ShouldBe(["queued", "queued", "queued", "not_staged", "not_staged"]);
        submitted.Body!["cost"]!.ToJsonString().ShouldBe("""{"credits":3,"free":false}""");
        foreach (var item in submitted.Body["items"]!.AsArray().Skip(3))
            ((string)item!["reason"]!["code"]!, item["staging"] is null).ShouldBe(("insufficient_credits", true));
        (await visitor.GetAsync("/api/v1/stagings")).Body!["items"]!.AsArray().Count.ShouldBe(3);
        // Credits that come later change nothing of what was answered.
        _app.Entitlements.Credits[visitor.Account] = 9;
        (await visitor.SubmitListingAsync(fields, key)).Body!.Statuses().ShouldBe(submitted.Body.Statuses());

        foreach (var item in submitted.Body["items"]!.AsArray().Take(3))
            await _app.RenderAsync(Guid.Parse((string)item!["staging"]!["id"]!));
        var ended = await visitor.UntilListingAsync(Guid.Parse(submitted.Text("id")), "partial");
        ended.Body!["receipt"]!.ToJsonString().ShouldBe("""{"held":3,"captured":3,"released":0}""");
        ended.Body["counts"]!.ToJsonString().ShouldBe("""{"queued":0,"running":0,"succeeded":3,"failed":0,"canceled":0,"notStaged":2,"deleted":0}""");
        await Eventually.Async(() => _app.Settlements.Count(settled => settled.AccountId == visitor.Account) == 5, "all five are settled");
        _app.Settlements.Where(settled => settled.AccountId == visitor.Account).Sum(settled => settled.CreditsUsed).ShouldBe(3);
    }

    [Theory]
    [InlineData("all", 3, 5)]
    [InlineData("as_many", 0, 1)]
    public async Task What_the_credits_do_not_suffice_for_is_refused_and_leaves_nothing(string take, int credits, int needed)
    {
        var visitor = _app.Visitor();
        _app.Entitlements.Credits[visitor.Account] = credits;
        var key = Guid.NewGuid().ToString();
        var fields = Visitor.Listing(await visitor.PhotosAsync(5), ("take", take));

        var refused = await visitor.SubmitListingAsync(fields, key);
        _app.Entitlements.Credits[visitor.Account] = 9;
        var again = await visitor.SubmitListingAsync(fields, key);

        foreach (var answer in (Answer[])[refused, again])
        {
            (answer.Status, answer.Code).ShouldBe((402, "insufficient_credits"));
            ((int)answer.Body!["needed"]!, (int)answer.Body["available"]!, (bool)answer.Body["billed"]!, answer.Body["jobId"]).ShouldBe((needed, credits, false, null));
        }

        await NothingIsLeftOfAsync(visitor);
    }

    [Fact]
    public async Task What_is_free_is_for_people_and_an_api_key_is_no_household()
    {
        var visitor = _app.Visitor(Wallet.Empty);
        _app.Unproven[visitor.Account] = true;
        foreach (var take in (string[])["all", "as_many"])
            (await visitor.SubmitListingAsync(Visitor.Listing(await visitor.PhotosAsync(1), ("quality", "draft"), ("take", take)))).Code.ShouldBe("challenge_required");
        (await visitor.SubmitListingAsync(Visitor.Listing(await visitor.PhotosAsync(1)))).Code.ShouldBe("insufficient_credits");

        _app.Unproven.Remove(visitor.Account, out _);
        _app.Entitlements.Wallets[visitor.Account] = Wallet.Free;
        var (id, jobs) = await visitor.ListAsync(2, ("quality", "draft"));
        _app.Entitlements.Holds[jobs[1]].AddressHash.ShouldBe("household");
        foreach (var job in jobs)
            await _app.RenderAsync(job);
        (await visitor.UntilListingAsync(id, "succeeded")).Body!["cost"]!.ToJsonString().ShouldBe("""{"credits":0,"free":true}""");
        (await NamesInAsync(visitor, $"{id}")).ShouldAllBe(name => name.EndsWith("-virtually-staged.jpg", StringComparison.Ordinal));

        var program = _app.Visitor(kind: "key");
        _app.Entitlements.Holds[(await program.ListAsync(1)).Jobs[0]].AddressHash.ShouldBeNull();
    }

    [Fact]
    public async Task The_same_request_many_times_at_once_is_one_listing_and_another_under_its_key_is_refused()
    {
        var visitor = _app.Visitor();
        _app.Entitlements.Credits[visitor.Account] = 4;
        var key = Guid.NewGuid().ToString();
        var photos = await visitor.PhotosAsync(3);

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => visitor.SubmitListingAsync(Visitor.Listing(photos), key)));

        answers.ShouldAllBe(answer => answer.Status == 202);
        answers.Select(answer => answer.Text("id")).Distinct().ShouldHaveSingleItem();
        (await visitor.SubmitListingAsync(Visitor.Listing(photos, ("style", "modern")), key)).Code.ShouldBe("idempotency_conflict");
        (await _app.CountAsync($"jobs where account_id = '{visitor.Account}' and status = 'queued'")).ShouldBe(3);
        (await _app.CountAsync($"events where account_id = '{visitor.Account}'")).ShouldBe(3);
        _app.Entitlements.Credits[visitor.Account].ShouldBe(1);
    }

    [Theory]
    [InlineData("storing", true)]
    [InlineData("storing", false)]
    [InlineData("holding", true)]
    [InlineData("holding", false)]
    [InlineData("queueing", true)]
    [InlineData("queueing", false)]
    public async Task Dying_at_a_step_the_listing_goes_on_as_a_whole_or_is_given_up_as_a_whole(string step, bool repeated)
    {
        var visitor = _app.Visitor(step == "holding" ? Wallet.CutAfterTaking : Wallet.Rich);
        var (key, fields) = (Guid.NewGuid().ToString(), Visitor.Listing(await visitor.PhotosAsync(3)));
        var rule = $"crash_{visitor.Account:N}";
        if (step == "queueing")
        {
            // At the last of them, when the others are queued in the same transaction.
            await _app.ExecuteAsync($"""
                create function {rule}() returns trigger language plpgsql as $$ begin raise exception 'crash'; end $$;
                create trigger {rule} before update on jobs for each row when (new.account_id = '{visitor.Account}' and new.status = 'queued' and new.listing_n = 3) execute function {rule}();
                """);
        }

        _app.Blobs.Fails = step == "storing";
        (await visitor.SubmitListingAsync(fields, key)).Status.ShouldBeGreaterThanOrEqualTo(500);
        _app.Blobs.Fails = false;
        if (step == "queueing")
            await _app.ExecuteAsync($"drop trigger {rule} on jobs; drop function {rule}();");
        (await _app.CountAsync($"jobs where account_id = '{visitor.Account}' and status = 'accepted'")).ShouldBe(3);

        if (repeated)
        {
            _app.Entitlements.Wallets[visitor.Account] = Wallet.Rich;
            var again = await visitor.SubmitListingAsync(fields, key);
            again.Status.ShouldBe(202, again.Body?.ToString());
            again.Body!.Statuses().ShouldBe(["queued", "queued", "queued"]);
            await _app.SentAsync(Guid.Parse((string)again.Body!["items"]![0]!["staging"]!["id"]!));
            (await _app.CountAsync($"listings where account_id = '{visitor.Account}'")).ShouldBe(1);
            return;
        }

        _app.Clock.Pass(JobMachine.SubmissionLimit + TimeSpan.FromSeconds(1));
        var listed = await Eventually.ValueAsync(async () =>
        {
            var page = await visitor.GetAsync("/api/v1/listings");
            return (string?)page.Body!["items"]![0]!["status"] == "failed" ? page : null;
        }, "the listing is given up");
        ((int)listed.Body!["items"]![0]!["counts"]!["failed"]!).ShouldBe(3);
        await Eventually.Async(() => _app.Settlements.Count(settled => settled.AccountId == visitor.Account && settled.CreditsUsed == 0) == 3, "all are settled with nothing");
        var late = await visitor.SubmitListingAsync(fields, key);
        (late.Status, late.Text("status")).ShouldBe((202, "failed"));
        (await _app.CountAsync($"events where account_id = '{visitor.Account}' and type = 'listing_ended'")).ShouldBe(1);
        var settled = _app.Settlements.Where(settlement => settlement.AccountId == visitor.Account).Select(settlement => settlement.JobId).ToList();
        _app.Work.ShouldNotContain(work => settled.Contains(work.JobId));
    }

    [Fact]
    public async Task A_listing_that_is_half_given_up_when_its_holds_are_taken_is_given_up_as_a_whole()
    {
        var visitor = _app.Visitor(Wallet.Down);
        var (key, fields) = (Guid.NewGuid().ToString(), Visitor.Listing(await visitor.PhotosAsync(3)));
        (await visitor.SubmitListingAsync(fields, key)).Code.ShouldBe("usage_unavailable");
        _app.Entitlements.Wallets[visitor.Account] = Wallet.Rich;
        // As if the scheduler was between two of them.
        await _app.ExecuteAsync($"""
            update jobs set status = 'failed', error_code = 'submission_interrupted', credits_used = 0, finished_at = now(), due_at = null, revision = revision + 1
            where account_id = '{visitor.Account}' and listing_n = 2
            """);

        var again = await visitor.SubmitListingAsync(fields, key);

        (again.Status, again.Body!.Statuses().ElementAt(1)).ShouldBe((202, "failed"));
        _app.Entitlements.Holds.Values.ShouldNotContain(hold => hold.AccountId == visitor.Account);
    }

    [Fact]
    public async Task Listings_are_listed_newest_first_in_pages_without_their_items()
    {
        var visitor = _app.Visitor();
        var ids = new List<Guid>();
        for (var i = 0; i < 3; i++)
            ids.Insert(0, (await visitor.ListAsync(1)).Id);

        var first = (await visitor.GetAsync("/api/v1/listings?limit=2")).Body!;
        var second = (await visitor.GetAsync($"/api/v1/listings?limit=2&cursor={first["nextCursor"]}")).Body!;

        first["items"]!.AsArray().Concat(second["items"]!.AsArray()).Select(item => Guid.Parse((string)item!["id"]!)).ShouldBe(ids);
        second["nextCursor"].ShouldBeNull();
        first["items"]!.AsArray().ShouldAllBe(item => item!["items"] == null);
    }

    [Fact]
    public async Task A_listing_is_its_owners_and_follows_the_account_that_it_was_merged_into()
    {
        var (owner, stranger) = (_app.Visitor(), _app.Visitor(kind: "member"));
        var (id, jobs) = await owner.ListAsync(2);
        foreach (var listing in (Guid[])[id, Guid.CreateVersion7()])
        {
            var url = $"/api/v1/listings/{listing}";
            foreach (var (method, path) in ((HttpMethod, string)[])
                [(HttpMethod.Get, url), (HttpMethod.Get, url + "/events"), (HttpMethod.Get, url + "/results.zip"), (HttpMethod.Post, url + "/cancel"), (HttpMethod.Delete, url)])
            {
                (await stranger.SendAsync(method, path)).Code.ShouldBe("not_found", path);
            }
        }

        (await stranger.GetAsync("/api/v1/listings")).Body!["items"]!.AsArray().ShouldBeEmpty();
        await _app.PublishAsync(new AccountMerged { From = owner.Account, Into = stranger.Account });
        await stranger.UntilListingAsync(id, "queued");

        await using var events = await stranger.ListingEventsAsync(id);
        await events.NextAsync();
        foreach (var job in jobs)
            await _app.RenderAsync(job);
        var told = await events.ToEndAsync();
        told[^1].Type.ShouldBe("listing_ended");
        told.Select(item => int.Parse(item.Id!.Split('.')[0])).ShouldBe(Enumerable.Range(3, told.Count));
    }

    [Fact]
    public async Task One_of_its_stagings_may_be_canceled_regenerated_and_deleted_like_any_other()
    {
        var visitor = _app.Visitor();
        var (id, jobs) = await visitor.ListAsync(2);
        await visitor.SendAsync(HttpMethod.Post, $"/api/v1/stagings/{jobs[1]}/cancel");
        await _app.RenderAsync(jobs[0]);
        (await visitor.UntilListingAsync(id, "partial")).Body!.Statuses().ShouldBe(["succeeded", "canceled"]);

        var again = await visitor.SendAsync(HttpMethod.Post, $"/api/v1/stagings/{jobs[0]}/regenerate", System.Net.Http.Json.JsonContent.Create(new { style = "modern" }));
        (again.Status, again.Body!["listingId"]).ShouldBe((202, null));
        (await _app.SentAsync(Guid.Parse(again.Text("id")))).OfSeveral.ShouldBeFalse();
        (await visitor.SendAsync(HttpMethod.Delete, $"/api/v1/stagings/{jobs[0]}")).Status.ShouldBe(204);
        var left = (await visitor.GetAsync($"/api/v1/listings/{id}")).Body!;
        left.Statuses().ShouldBe(["deleted", "canceled"]);
        ((string)left["status"]!, left["urls"]!["results"], (int)left["receipt"]!["captured"]!).ShouldBe(("partial", null, 1));
        (await visitor.GetAsync($"/api/v1/listings/{id}/results.zip")).Code.ShouldBe("not_found");
    }

    private static async Task<List<string>> NamesInAsync(Visitor visitor, string listing)
    {
        var zip = await visitor.GetAsync($"/api/v1/listings/{listing}/results.zip");
        (zip.Status, zip.Response.Content.Headers.ContentType!.MediaType).ShouldBe((200, "application/zip"));
        await using var archive = new ZipArchive(await zip.Response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        archive.Entries.ShouldAllBe(entry => entry.Length == Samples.Photo.Length);
        return [.. archive.Entries.Select(entry => entry.FullName)];
    }

    private async Task NothingIsLeftOfAsync(Visitor visitor)
    {
        (await visitor.GetAsync("/api/v1/listings")).Body!["items"]!.AsArray().ShouldBeEmpty();
        (await visitor.GetAsync("/api/v1/stagings")).Body!["items"]!.AsArray().ShouldBeEmpty();
        _app.Entitlements.Holds.Values.ShouldNotContain(hold => hold.AccountId == visitor.Account);
        await Eventually.Async(() => _app.Settlements.Count(settled => settled.AccountId == visitor.Account) == 5, "each is settled");
        _app.Settlements.Where(settled => settled.AccountId == visitor.Account).ShouldAllBe(settled => settled.CreditsUsed == 0);
        _app.Work.ShouldNotContain(work => _app.Settlements.Any(settled => settled.AccountId == visitor.Account && settled.JobId == work.JobId));
        (await _app.CountAsync($"events where account_id = '{visitor.Account}' and type = 'listing_ended'")).ShouldBe(0);
    }
}
