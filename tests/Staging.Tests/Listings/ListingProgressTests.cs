using HomeStage.Staging.Attempts;
using HomeStage.Staging.Listings;
using HomeStage.Staging.Tests.Attempts;
using HomeStage.Testing;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.Listings;

/// <summary>Who goes first, who waits, and what is canceled and deleted together.</summary>
[Collection(ListingScene.Name)]
public sealed class ListingProgressTests(StagingFixture fixture)
{
    private readonly StagingApp _app = fixture.App;

    [Fact]
    public async Task If_the_first_fails_the_next_leads()
    {
        var visitor = _app.Visitor();
        var (id, jobs) = await visitor.ListAsync(3);

        await _app.FailAsync(jobs[0]);

        (await _app.RenderAsync(jobs[1])).ReferenceBlob.ShouldBeNull();
        (await _app.RenderAsync(jobs[2])).ReferenceBlob.ShouldBe($"{jobs[1]}/1/1-clean.jpg");
        (await visitor.UntilListingAsync(id, "partial")).Body!.Statuses().ShouldBe(["failed", "succeeded", "succeeded"]);
    }

    [Fact]
    public async Task Nobody_waits_longer_than_three_minutes_and_the_wait_is_not_taken_off_their_time()
    {
        var visitor = _app.Visitor();
        var (_, jobs) = await visitor.ListAsync(3);
        await _app.SentAsync(jobs[0]);
        (await _app.CountAsync($"jobs where id = '{jobs[1]}' and attempt = 0")).ShouldBe(1);

        _app.Clock.Pass(JobMachine.LongestWaitForFirst + TimeSpan.FromSeconds(1));

        (await _app.SentAsync(jobs[1])).ReferenceBlob.ShouldBeNull();
        await _app.SentAsync(jobs[2]);
        (await _app.CountAsync($"jobs where id = '{jobs[1]}' and deadline - queued_at = interval '15 minutes' and queued_at > created_at + interval '3 minutes'")).ShouldBe(1);
    }

    [Fact]
    public async Task A_model_that_takes_one_picture_keeps_nobody_waiting()
    {
        const string models = """
            {"default":"small","models":[{"name":"small","sizes":["512x512"],"qualities":{"draft":"a","standard":"b"},"formats":["jpeg"]}]}
            """;
        await using var app = await StagingApp.StartAsync(fixture.Servers, setting: ("IMAGE_MODELS", models));
        var (_, jobs) = await app.Visitor().ListAsync(2);

        foreach (var job in jobs)
            (await app.SentAsync(job)).OfSeveral.ShouldBeTrue();
    }

    [Fact]
    public async Task What_waits_is_canceled_with_the_rest_and_nothing_of_it_is_sent()
    {
        var visitor = _app.Visitor();
        var (id, jobs) = await visitor.ListAsync(4);
        await _app.RenderAsync(jobs[0]);
        foreach (var job in jobs.Skip(1))
            await _app.SentAsync(job);
        var (other, others) = await visitor.ListAsync(3);

        var canceled = await visitor.SendAsync(HttpMethod.Post, $"/api/v1/listings/{id}/cancel");
        var waiting = await visitor.SendAsync(HttpMethod.Post, $"/api/v1/listings/{other}/cancel");
        var again = await visitor.SendAsync(HttpMethod.Post, $"/api/v1/listings/{other}/cancel");

        (canceled.Text("result"), (int)canceled.Body!["canceled"]!, (int)canceled.Body["tooLate"]!).ShouldBe(("canceled", 3, 0));
        canceled.Body["listing"]!.Statuses().ShouldBe(["succeeded", "canceled", "canceled", "canceled"]);
        foreach (var answer in (Answer[])[waiting, again])
            (answer.Text("result"), (int)answer.Body!["canceled"]!, (string)answer.Body["listing"]!["status"]!).ShouldBe(("canceled", 3, "canceled"));
        (await _app.CountAsync($"events where account_id = '{visitor.Account}' and type = 'listing_ended'")).ShouldBe(2);
        foreach (var job in others)
            (await _app.SettledAsync(job)).CreditsUsed.ShouldBe(0);
        _app.Work.ShouldNotContain(work => work.JobId == others[1] || work.JobId == others[2]);
    }

    [Fact]
    public async Task Late_cancellations_of_a_listing_count_like_any_others()
    {
        var visitor = _app.Visitor();
        await _app.ExecuteAsync($"""
            insert into jobs (id, account_id, status, room, style, quality, declutter, variations, price, prompt_version, original_blob, photo_width, photo_height, credits_used, created_at,
              finished_at, deadline, attempt, costly_attempts, free_attempts, sends, pictures, late_cancel, last_event, revision, purged)
            select gen_random_uuid(), '{visitor.Account}', 'canceled', 'office', 'modern', 'draft', false, 1, 1, 1, 'x', 1, 1, 0, '{_app.Clock.GetUtcNow():O}',
              '{_app.Clock.GetUtcNow():O}', '{_app.Clock.GetUtcNow():O}', 1, 0, 0, 1, '[]', true, 0, 0, true from generate_series(1, 9)
            """);
        var (id, jobs) = await visitor.ListAsync(3);
        await _app.RenderAsync(jobs[0]);
        foreach (var job in jobs.Skip(1))
        {
            await _app.SentAsync(job);
            await _app.ClaimAsync(job);
            await _app.PublishAsync(new Contracts.RenderProgressed { JobId = job, Attempt = 1, Phase = "rendering" });
        }

        await Eventually.Async(async () => await _app.CountAsync($"jobs where listing_id = '{id}' and phase = 'rendering'") == 2, "both are being made");
        var answer = await visitor.SendAsync(HttpMethod.Post, $"/api/v1/listings/{id}/cancel");

        (answer.Text("result"), (int)answer.Body!["canceled"]!, (int)answer.Body["tooLate"]!).ShouldBe(("canceled", 1, 1));
    }

    [Fact]
    public async Task A_listing_is_deleted_as_a_whole_once_it_has_ended()
    {
        var visitor = _app.Visitor();
        var (id, jobs) = await visitor.ListAsync(2, ("name", "12 Elm Street"), ("prompt", "a sofa"));
        var url = $"/api/v1/listings/{id}";
        (await visitor.SendAsync(HttpMethod.Delete, url)).Code.ShouldBe("conflict");
        foreach (var job in jobs)
            await _app.RenderAsync(job);
        await visitor.UntilListingAsync(id, "succeeded");
        var page = (await visitor.SendAsync(HttpMethod.Put, $"/api/v1/stagings/{jobs[1]}/images/1/disclosure")).Text("url");
        (await visitor.SendAsync(HttpMethod.Delete, url)).Code.ShouldBe("disclosed");

        (await visitor.SendAsync(HttpMethod.Delete, url + "?withdraw=true")).Status.ShouldBe(204);
        (await visitor.SendAsync(HttpMethod.Delete, url)).Status.ShouldBe(204);

        (await visitor.GetAsync(url)).Code.ShouldBe("not_found");
        (await visitor.GetAsync(jobs[0])).Code.ShouldBe("not_found");
        (await visitor.GetAsync(new Uri(page).AbsolutePath)).Status.ShouldBe(404);
        foreach (var job in jobs)
            (await _app.Blobs.ListAsync($"{job}").AnyAsync()).ShouldBeFalse();
        (await _app.CountAsync($"listings where id = '{id}' and name is null and deleted_at is not null")).ShouldBe(1);
        (await _app.CountAsync($"jobs where listing_id = '{id}' and words is null and purged")).ShouldBe(2);
    }

    [Fact]
    public void A_listing_is_what_its_stagings_are()
    {
        var (queued, running, succeeded, failed, canceled) = (
            JobExamples.In(JobStatus.Queued), JobExamples.In(JobStatus.Running), JobExamples.In(JobStatus.Succeeded), JobExamples.In(JobStatus.Failed), JobExamples.In(JobStatus.Canceled));
        var refused = JobMachine.Decide(JobExamples.New(), new JobCommand.HoldRefused("insufficient_credits"), JobExamples.Start).Job;

        Status(queued, queued).ShouldBe("queued");
        Status(queued, refused).ShouldBe("queued");
        Status(queued, succeeded).ShouldBe("running");
        Status(queued, running).ShouldBe("running");
        Status(succeeded, succeeded).ShouldBe("succeeded");
        Status(succeeded, refused).ShouldBe("partial");
        Status(succeeded, canceled).ShouldBe("partial");
        Status(failed, canceled).ShouldBe("failed");
        Status(canceled, canceled).ShouldBe("canceled");
        ListingState.StatusOf(refused).ShouldBe("not_staged");
        ListingState.StatusOf(succeeded with { DeletedAt = JobExamples.Start }).ShouldBe("deleted");

        static string Status(params Job[] jobs) => ListingState.Of(jobs).Status;
    }

    [Fact]
    public void What_waits_is_not_claimed_and_goes_by_itself_when_it_is_due()
    {
        var waiting = JobMachine.Decide(JobExamples.New(), new JobCommand.HoldTaken(1, false, Waits: true), JobExamples.Start);

        (waiting.Event, waiting.Send, waiting.Job.Waits, waiting.Job.DueAt).ShouldBe(("queued", false, true, JobExamples.Start + JobMachine.LongestWaitForFirst));
        JobMachine.Decide(waiting.Job, new JobCommand.Claim(JobExamples.Claim1, 0), JobExamples.Start).Answer.ShouldBe("finished");
        JobMachine.Decide(waiting.Job, new JobCommand.Tick(true), JobExamples.Start.AddMinutes(2)).Job.ShouldBeSameAs(waiting.Job);
        var due = JobExamples.Start + JobMachine.LongestWaitForFirst;
        var gone = JobMachine.Decide(waiting.Job, new JobCommand.Tick(false), due);
        (gone.Send, gone.Event, gone.Job.Attempt, gone.Job.Sends, gone.Job.Deadline).ShouldBe((true, null, 1, 1, due + JobMachine.Deadline));
    }
}
