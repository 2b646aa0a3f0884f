using HomeStage.Staging.Attempts;
using HomeStage.Testing;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.Stagings;

public sealed class SubmissionTests(StagingFixture fixture) : IClassFixture<StagingFixture>
{
    private readonly StagingApp _app = fixture.App;

    [Fact]
    public async Task A_staging_is_queued_rendered_settled_and_its_pictures_are_there()
    {
        var visitor = _app.Visitor();
        var submitted = await visitor.SubmitFormAsync(Visitor.Fields(("quality", "high"), ("variations", 2), ("prompt", "a green sofa"), ("declutter", true)));
        submitted.Status.ShouldBe(202, submitted.Body?.ToString());
        var id = Guid.Parse(submitted.Text("id"));
        submitted.Response.Headers.Location!.ToString().ShouldBe($"/api/v1/stagings/{id}");
        submitted.Text("status").ShouldBe("queued");
        ((int)submitted.Body!["cost"]!["credits"]!).ShouldBe(4);
        ((int)submitted.Body["etaSeconds"]!).ShouldBeGreaterThan(0);
        _app.Entitlements.Holds[id].ShouldSatisfyAllConditions(
            hold => hold.AccountId.ShouldBe(visitor.Account),
            hold => (hold.Credits, hold.Variations, hold.Quality, hold.AddressHash).ShouldBe((4, 2, "high", "household")));

        var work = await _app.SentAsync(id);
        (work.VariationsMissing, work.Options.Words, work.Options.Declutter, work.PhotoWidth).ShouldBe((2, "a green sofa", true, 400));
        work.SafetyId.ShouldNotContain(visitor.Account.ToString());
        (await _app.Blobs.ExistsAsync(work.OriginalBlob)).ShouldBeTrue();

        var claim = await _app.ClaimAsync(id);
        (claim.Decision, claim.LeaseSeconds, claim.VariationsMissing).ShouldBe(("go", 30, 2));
        await _app.PublishAsync(await Samples.StagedAsync(_app.Blobs, id, 1, 2));

        var done = await visitor.UntilAsync(id, "succeeded");
        done.Body!["images"]!.AsArray().Count.ShouldBe(2);
        done.Body["receipt"]!.ToJsonString().ShouldContain("\"held\":4,\"captured\":4,\"released\":0");
        var settled = await _app.SettledAsync(id);
        (settled.AccountId, settled.CreditsUsed, settled.Outcome).ShouldBe((visitor.Account, 4, "succeeded"));
    }

    [Fact]
    public async Task A_photo_uploaded_before_is_staged_by_its_id()
    {
        var visitor = _app.Visitor();
        var photo = await visitor.UploadAsync(Samples.Photo);
        photo.Status.ShouldBe(201);

        var submitted = await visitor.SubmitJsonAsync(Visitor.Fields(("photoId", photo.Text("id"))));

        submitted.Status.ShouldBe(202, submitted.Body?.ToString());
        var original = await visitor.GetAsync($"/api/v1/stagings/{submitted.Text("id")}/original");
        original.Response.Content.Headers.ContentType!.MediaType.ShouldBe("image/jpeg");
    }

    [Fact]
    public async Task The_same_key_and_request_is_the_same_job_and_another_request_is_refused()
    {
        var visitor = _app.Visitor();
        var key = Guid.NewGuid().ToString();

        var first = await visitor.SubmitFormAsync(key: key);
        var again = await visitor.SubmitFormAsync(key: key);
        var otherField = await visitor.SubmitFormAsync(Visitor.Fields(("style", "modern")), key: key);
        var otherPhoto = await visitor.SubmitFormAsync(photo: Samples.PhotoOfSide(380), key: key);
        var otherVisitor = await _app.Visitor().SubmitFormAsync(key: key);

        (first.Status, again.Status).ShouldBe((202, 202));
        again.Text("id").ShouldBe(first.Text("id"));
        (otherField.Status, otherField.Code).ShouldBe((409, "idempotency_conflict"));
        (otherPhoto.Status, otherPhoto.Code).ShouldBe((409, "idempotency_conflict"));
        ((bool)otherPhoto.Body!["billed"]!).ShouldBeFalse();
        otherVisitor.Text("id").ShouldNotBe(first.Text("id"));
    }

    [Fact]
    public async Task A_refusal_that_comes_after_the_same_request_was_queued_changes_nothing()
    {
        var visitor = _app.Visitor(Wallet.Empty);
        var key = Guid.NewGuid().ToString();
        var (refusing, answer) = (new TaskCompletionSource(), new TaskCompletionSource());
        _app.Entitlements.Refusing = async account =>
        {
            if (account != visitor.Account)
                return;
            refusing.TrySetResult();
            await answer.Task;
        };

        var late = visitor.SubmitFormAsync(key: key);
        await refusing.Task;
        _app.Entitlements.Wallets[visitor.Account] = Wallet.Rich;
        var first = await visitor.SubmitFormAsync(key: key);
        answer.SetResult();

        foreach (var same in (Answer[])[first, await late, await visitor.SubmitFormAsync(key: key)])
            (same.Status, same.Text("id"), same.Text("status")).ShouldBe((202, first.Text("id"), "queued"));
    }

    [Fact]
    public async Task Ten_requests_at_once_under_one_key_are_one_job()
    {
        var visitor = _app.Visitor();
        var key = Guid.NewGuid().ToString();

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => visitor.SubmitFormAsync(key: key)));

        answers.ShouldAllBe(answer => answer.Status == 202);
        var id = Guid.Parse(answers.Select(answer => answer.Text("id")).Distinct().ShouldHaveSingleItem());
        await _app.SentAsync(id);
        (await _app.CountAsync($"jobs where account_id = '{visitor.Account}'")).ShouldBe(1);
        (await _app.CountAsync($"events where job_id = '{id}'")).ShouldBe(1);
    }

    [Fact]
    public async Task A_refused_request_uses_its_key_up()
    {
        var visitor = _app.Visitor();
        var key = Guid.NewGuid().ToString();

        var refused = await visitor.SubmitFormAsync(Visitor.Fields(("room", "garage")), key: key);
        var again = await visitor.SubmitFormAsync(Visitor.Fields(("room", "garage")), key: key);
        var corrected = await visitor.SubmitFormAsync(key: key);

        (refused.Status, refused.Code).ShouldBe((400, "validation_failed"));
        (again.Status, again.Code).ShouldBe((400, "validation_failed"));
        again.Body!["errors"]!.ToJsonString().ShouldBe(refused.Body!["errors"]!.ToJsonString());
        (corrected.Status, corrected.Code).ShouldBe((409, "idempotency_conflict"));
    }

    [Fact]
    public async Task Too_few_credits_are_said_with_what_entitlements_says_and_nothing_is_queued()
    {
        var visitor = _app.Visitor(Wallet.Empty);
        var key = Guid.NewGuid().ToString();

        var refused = await visitor.SubmitFormAsync(key: key);
        _app.Entitlements.Wallets[visitor.Account] = Wallet.Rich;
        var again = await visitor.SubmitFormAsync(key: key);

        foreach (var answer in (Answer[])[refused, again])
        {
            (answer.Status, answer.Code).ShouldBe((402, "insufficient_credits"));
            ((int)answer.Body!["needed"]!, (int)answer.Body["freeLeft"]!, (bool)answer.Body["freeIfDraft"]!, (bool)answer.Body["billed"]!).ShouldBe((1, 2, true, false));
        }

        (await visitor.GetAsync("/api/v1/stagings")).Body!["items"]!.AsArray().ShouldBeEmpty();
        (await _app.CountAsync($"jobs where account_id = '{visitor.Account}' and status = 'failed' and credits_used = 0")).ShouldBe(1);
        var settled = await Eventually.ValueAsync(
            () => Task.FromResult(_app.Settlements.FirstOrDefault(settlement => settlement.AccountId == visitor.Account)), "it is settled");
        settled.CreditsUsed.ShouldBe(0);
        (await visitor.GetAsync(settled.JobId)).Status.ShouldBe(404);
        _app.Work.ShouldNotContain(work => work.JobId == settled.JobId);
    }

    [Fact]
    public async Task What_is_free_is_for_people_who_are_known_to_be_some()
    {
        var visitor = _app.Visitor(Wallet.Empty);
        _app.Unproven[visitor.Account] = true;

        var asked = await visitor.SubmitFormAsync(key: Guid.NewGuid().ToString());
        (asked.Status, asked.Code, (bool)asked.Body!["billed"]!).ShouldBe((403, "challenge_required", false));
        // What is never free is told as it is.
        (await visitor.SubmitFormAsync(Visitor.Fields(("quality", "standard")))).Code.ShouldBe("insufficient_credits");

        // Who pays is not asked.
        _app.Entitlements.Wallets[visitor.Account] = Wallet.Rich;
        var paid = await visitor.SubmitAsync();
        _app.Entitlements.Holds[paid].AddressHash.ShouldBeNull();

        _app.Unproven.Remove(visitor.Account, out _);
        _app.Entitlements.Wallets[visitor.Account] = Wallet.Free;
        _app.Entitlements.Holds[await visitor.SubmitAsync()].AddressHash.ShouldBe("household");
    }

    [Theory]
    [InlineData((int)Wallet.Frozen, 403, "account_frozen")]
    [InlineData((int)Wallet.Blocked, 402, "free_blocked")]
    [InlineData((int)Wallet.Stranger, 503, "usage_unavailable")]
    public async Task A_refusal_keeps_the_code_that_says_what_to_do(int wallet, int status, string code)
    {
        var visitor = _app.Visitor((Wallet)wallet);

        var refused = await visitor.SubmitFormAsync(key: Guid.NewGuid().ToString());

        (refused.Status, refused.Code, (bool)refused.Body!["billed"]!).ShouldBe((status, code, false));
    }

    [Fact]
    public async Task When_entitlements_is_down_nothing_is_staged_and_the_repeated_request_goes_on()
    {
        var visitor = _app.Visitor(Wallet.Down);
        var key = Guid.NewGuid().ToString();

        var down = await visitor.SubmitFormAsync(key: key);
        (down.Status, down.Code, (bool)down.Body!["retryable"]!).ShouldBe((503, "usage_unavailable", true));
        _app.Entitlements.Wallets[visitor.Account] = Wallet.Rich;
        var up = await visitor.SubmitFormAsync(key: key);

        up.Status.ShouldBe(202);
        await _app.SentAsync(Guid.Parse(up.Text("id")));
        (await _app.CountAsync($"jobs where account_id = '{visitor.Account}'")).ShouldBe(1);
    }

    [Fact]
    public async Task A_hold_whose_answer_was_lost_is_settled_with_0_when_nobody_goes_on()
    {
        var visitor = _app.Visitor(Wallet.CutAfterTaking);

        (await visitor.SubmitFormAsync()).Code.ShouldBe("usage_unavailable");
        var id = _app.Entitlements.Holds.Single(hold => hold.Value.AccountId == visitor.Account).Key;
        _app.Clock.Pass(JobMachine.SubmissionLimit + TimeSpan.FromSeconds(1));

        (await _app.SettledAsync(id)).CreditsUsed.ShouldBe(0);
        var failed = await visitor.UntilAsync(id, "failed");
        ((string)failed.Body!["error"]!["code"]!).ShouldBe("submission_interrupted");
        ((bool)failed.Body["error"]!["billed"]!).ShouldBeFalse();
    }

    [Fact]
    public async Task A_crash_between_accepting_and_storing_ends_right()
    {
        var visitor = _app.Visitor();
        var key = Guid.NewGuid().ToString();
        _app.Blobs.Fails = true;
        var crashed = await visitor.SubmitFormAsync(key: key);
        _app.Blobs.Fails = false;

        crashed.Status.ShouldBe(500);
        _app.Entitlements.Holds.Values.ShouldNotContain(hold => hold.AccountId == visitor.Account);
        var again = await visitor.SubmitFormAsync(key: key);
        again.Status.ShouldBe(202);
        (await _app.Blobs.ExistsAsync((await _app.SentAsync(Guid.Parse(again.Text("id")))).OriginalBlob)).ShouldBeTrue();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_crash_between_holding_and_queueing_ends_right(bool repeated)
    {
        var visitor = _app.Visitor();
        var key = Guid.NewGuid().ToString();
        var rule = $"crash_{visitor.Account:N}";
        await _app.ExecuteAsync($"""
            create function {rule}() returns trigger language plpgsql as $$ begin raise exception 'crash'; end $$;
            create trigger {rule} before update on jobs for each row when (new.account_id = '{visitor.Account}' and new.status = 'queued') execute function {rule}();
            """);
        (await visitor.SubmitFormAsync(key: key)).Status.ShouldBe(500);
        await _app.ExecuteAsync($"drop trigger {rule} on jobs; drop function {rule}();");
        var id = _app.Entitlements.Holds.Single(hold => hold.Value.AccountId == visitor.Account).Key;

        if (repeated)
        {
            var again = await visitor.SubmitFormAsync(key: key);
            again.Text("id").ShouldBe(id.ToString());
            await _app.SentAsync(id);
        }
        else
        {
            _app.Clock.Pass(JobMachine.SubmissionLimit + TimeSpan.FromSeconds(1));
            (await _app.SettledAsync(id)).CreditsUsed.ShouldBe(0);
            _app.Work.ShouldNotContain(work => work.JobId == id);
        }
    }

    [Fact]
    public async Task A_free_staging_costs_nothing_has_no_clean_picture_and_reports_what_it_used()
    {
        var visitor = _app.Visitor(Wallet.Free);
        var id = await visitor.SubmitAsync();
        await _app.ClaimAsync(id);
        await _app.PublishAsync(await Samples.StagedAsync(_app.Blobs, id, 1, 1));

        var done = await visitor.UntilAsync(id, "succeeded");

        done.Body!["cost"]!.ToJsonString().ShouldBe("""{"credits":0,"free":true}""");
        done.Body["receipt"]!.ToJsonString().ShouldContain("\"held\":0,\"captured\":0,\"released\":0");
        done.Body["images"]![0]!["urls"]!["clean"].ShouldBeNull();
        (await _app.SettledAsync(id)).CreditsUsed.ShouldBe(1);
        var clean = await visitor.GetAsync($"/api/v1/stagings/{id}/images/1?variant=clean");
        (clean.Status, clean.Code).ShouldBe((403, "not_available"));
        (await visitor.GetAsync($"/api/v1/stagings/{id}/images/1?variant=labeled")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task An_api_key_is_never_asked_for_as_a_household()
    {
        var program = _app.Visitor(kind: "key");

        var id = await program.SubmitAsync();

        _app.Entitlements.Holds[id].AddressHash.ShouldBeNull();
    }

    [Fact]
    public async Task Stagings_are_listed_newest_first_in_pages()
    {
        var visitor = _app.Visitor();
        var ids = new List<Guid>();
        for (var i = 0; i < 5; i++)
            ids.Insert(0, await visitor.SubmitAsync());

        var listed = new List<Guid>();
        string? cursor = null;
        do
        {
            var page = await visitor.GetAsync($"/api/v1/stagings?limit=2&cursor={cursor}");
            listed.AddRange(page.Body!["items"]!.AsArray().Select(item => Guid.Parse((string)item!["id"]!)));
            cursor = (string?)page.Body["nextCursor"];
        }
        while (cursor is not null);

        listed.ShouldBe(ids);
    }
}
