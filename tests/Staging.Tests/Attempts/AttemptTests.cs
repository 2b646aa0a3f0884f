using HomeStage.Contracts;
using HomeStage.Testing;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.Attempts;

public sealed class AttemptTests(StagingFixture fixture) : IClassFixture<StagingFixture>
{
    private readonly StagingApp _app = fixture.App;

    [Fact]
    public async Task Ten_claims_at_once_give_one_lease()
    {
        var id = await _app.Visitor().SubmitAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => _app.ClaimAsync(id)));

        answers.Count(answer => answer.Decision == "go").ShouldBe(1);
        answers.Count(answer => answer.Decision == "leased").ShouldBe(9);
    }

    [Fact]
    public async Task The_same_claim_gets_the_same_lease_and_can_be_renewed()
    {
        var id = await _app.Visitor().SubmitAsync();
        var claim = Guid.NewGuid();

        (await _app.ClaimAsync(id, claim: claim)).Decision.ShouldBe("go");
        (await _app.ClaimAsync(id, claim: claim)).Decision.ShouldBe("go");
        (await _app.ClaimAsync(id, claim: claim, verb: "renew")).Decision.ShouldBe("go");
        (await _app.ClaimAsync(id, verb: "renew")).Decision.ShouldBe("stop");
        (await _app.ClaimAsync(Guid.NewGuid())).Decision.ShouldBe("finished");
        (await _app.ClaimAsync(Guid.NewGuid(), verb: "renew")).Decision.ShouldBe("stop");
    }

    [Fact]
    public async Task Cancelling_a_queued_job_settles_it_with_0_and_its_claim_is_refused()
    {
        var visitor = _app.Visitor();
        var id = await visitor.SubmitAsync();

        var canceled = await visitor.SendAsync(HttpMethod.Post, $"/api/v1/stagings/{id}/cancel");

        (canceled.Status, canceled.Text("result"), (string)canceled.Body!["staging"]!["status"]!).ShouldBe((200, "canceled", "canceled"));
        (await _app.SettledAsync(id)).CreditsUsed.ShouldBe(0);
        (await _app.ClaimAsync(id)).Decision.ShouldBe("canceled");
        (await visitor.SendAsync(HttpMethod.Post, $"/api/v1/stagings/{id}/cancel")).Text("result").ShouldBe("canceled");
    }

    [Fact]
    public async Task Cancelling_a_running_job_stops_its_worker_and_what_it_delivers_later_counts_for_nothing()
    {
        var visitor = _app.Visitor();
        var id = await visitor.SubmitAsync();
        var claim = Guid.NewGuid();
        await _app.ClaimAsync(id, claim: claim);

        (await visitor.SendAsync(HttpMethod.Post, $"/api/v1/stagings/{id}/cancel")).Text("result").ShouldBe("canceled");
        (await _app.ClaimAsync(id, claim: claim, verb: "renew")).Decision.ShouldBe("stop");
        await SaidAsync(await Samples.StagedAsync(_app.Blobs, id, 1, 1));

        var job = await visitor.GetAsync(id);
        (job.Text("status"), job.Body!["images"]!.AsArray().Count).ShouldBe(("canceled", 0));
        (await _app.SettledAsync(id)).CreditsUsed.ShouldBe(0);
        _app.Settlements.Count(settled => settled.JobId == id).ShouldBe(1);
    }

    [Fact]
    public async Task Cancelling_what_has_ended_is_too_late()
    {
        var visitor = _app.Visitor();
        var id = await visitor.SubmitAsync();
        await _app.PublishAsync(Samples.Failed(id, 1, "moderation_blocked", retryable: false, mayHaveCost: false));
        await visitor.UntilAsync(id, "failed");

        var answer = await visitor.SendAsync(HttpMethod.Post, $"/api/v1/stagings/{id}/cancel");

        (answer.Status, answer.Text("result")).ShouldBe((200, "too_late"));
    }

    [Fact]
    public async Task Late_cancellations_are_limited_to_ten_a_day_also_when_many_come_at_once()
    {
        var visitor = _app.Visitor();
        var jobs = new List<Guid>();
        for (var i = 0; i < 13; i++)
        {
            var id = await visitor.SubmitAsync();
            await _app.ClaimAsync(id);
            await SaidAsync(new RenderProgressed { JobId = id, Attempt = 1, Phase = "rendering" });
            jobs.Add(id);
        }

        var answers = await Task.WhenAll(jobs.Select(id => visitor.SendAsync(HttpMethod.Post, $"/api/v1/stagings/{id}/cancel")));

        answers.Count(answer => answer.Text("result") == "canceled").ShouldBe(10);
        answers.Count(answer => answer.Text("result") == "too_late").ShouldBe(3);
    }

    [Fact]
    public async Task A_result_that_arrives_twice_counts_once_also_under_another_message_id()
    {
        var visitor = _app.Visitor();
        var id = await visitor.SubmitAsync(("variations", 3));
        await _app.ClaimAsync(id);
        var message = Guid.NewGuid();
        var staged = await Samples.StagedAsync(_app.Blobs, id, 1, 2);

        await _app.PublishAsync(staged, message);
        await _app.SentAsync(id, attempt: 2);
        await _app.PublishAsync(staged, message);
        await SaidAsync(staged);

        (await visitor.GetAsync(id)).Body!["images"]!.AsArray().Count.ShouldBe(2);
        await _app.ClaimAsync(id, attempt: 2);
        await _app.PublishAsync(await Samples.StagedAsync(_app.Blobs, id, 2, 1));
        (await visitor.UntilAsync(id, "succeeded")).Body!["images"]!.AsArray().Count.ShouldBe(3);
        (await _app.SettledAsync(id)).CreditsUsed.ShouldBe(3);
    }

    [Fact]
    public async Task A_lost_lease_goes_to_another_worker_and_the_first_ones_late_result_is_taken()
    {
        var visitor = _app.Visitor();
        var id = await visitor.SubmitAsync();
        var lost = Guid.NewGuid();
        await _app.ClaimAsync(id, claim: lost);

        _app.Clock.Pass(TimeSpan.FromSeconds(31));
        (await _app.SentAsync(id, attempt: 2)).VariationsMissing.ShouldBe(1);
        (await _app.ClaimAsync(id, claim: lost, verb: "renew")).Decision.ShouldBe("stop");
        (await _app.ClaimAsync(id, attempt: 1)).Decision.ShouldBe("finished");
        var second = Guid.NewGuid();
        (await _app.ClaimAsync(id, attempt: 2, claim: second)).Decision.ShouldBe("go");
        await _app.PublishAsync(await Samples.StagedAsync(_app.Blobs, id, 1, 1));

        await visitor.UntilAsync(id, "succeeded");
        (await _app.ClaimAsync(id, attempt: 2, claim: second, verb: "renew")).Decision.ShouldBe("stop");
        await SaidAsync(await Samples.StagedAsync(_app.Blobs, id, 2, 1));
        (await visitor.GetAsync(id)).Body!["images"]!.AsArray().Count.ShouldBe(1);
        _app.Settlements.Count(settled => settled.JobId == id).ShouldBe(1);
    }

    [Fact]
    public async Task A_retryable_failure_is_tried_again_when_it_is_due_and_three_that_cost_are_the_end()
    {
        var visitor = _app.Visitor();
        var id = await visitor.SubmitAsync();
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            await _app.SentAsync(id, attempt);
            await _app.ClaimAsync(id, attempt);
            await SaidAsync(Samples.Failed(id, attempt, "provider_unavailable", retryable: true, retryAfter: 40));
            _app.Clock.Pass(TimeSpan.FromSeconds(41));
        }

        var failed = await visitor.UntilAsync(id, "failed");
        ((string)failed.Body!["error"]!["code"]!).ShouldBe("provider_unavailable");
        (await _app.SettledAsync(id)).CreditsUsed.ShouldBe(0);
        (await _app.CountAsync($"attempts where job_id = '{id}' and may_have_cost")).ShouldBe(3);
        _app.Work.ShouldNotContain(work => work.JobId == id && work.Attempt == 4);
    }

    [Fact]
    public async Task The_end_of_the_budget_with_some_pictures_is_a_success_paid_for_what_there_is()
    {
        var visitor = _app.Visitor();
        var id = await visitor.SubmitAsync(("variations", 4), ("quality", "high"));
        await _app.ClaimAsync(id);
        await _app.PublishAsync(await Samples.StagedAsync(_app.Blobs, id, 1, 3));
        await _app.SentAsync(id, attempt: 2);

        await _app.PublishAsync(Samples.Failed(id, 2, "moderation_blocked", retryable: false, mayHaveCost: false));

        var done = await visitor.UntilAsync(id, "succeeded");
        done.Body!["receipt"]!.ToJsonString().ShouldContain("\"held\":8,\"captured\":6,\"released\":2");
        (await _app.SettledAsync(id)).CreditsUsed.ShouldBe(6);
    }

    [Fact]
    public async Task A_job_that_nobody_claims_is_sent_again_and_failed_at_the_deadline()
    {
        var visitor = _app.Visitor();
        var id = await visitor.SubmitAsync();
        await _app.SentAsync(id);

        _app.Clock.Pass(TimeSpan.FromSeconds(61));
        await Eventually.Async(() => _app.Work.Count(work => work.JobId == id) == 2, "it is sent again");
        _app.Clock.Pass(TimeSpan.FromMinutes(15));

        var failed = await visitor.UntilAsync(id, "failed");
        ((string)failed.Body!["error"]!["code"]!).ShouldBe("deadline_exceeded");
        (await _app.SettledAsync(id)).CreditsUsed.ShouldBe(0);
    }

    [Fact]
    public async Task A_worker_that_names_anothers_files_is_not_believed()
    {
        var visitor = _app.Visitor();
        var (id, others) = (await visitor.SubmitAsync(), await _app.Visitor().SubmitAsync());
        await _app.ClaimAsync(id);
        var staged = await Samples.StagedAsync(_app.Blobs, others, 1, 1);

        await _app.PublishAsync(staged with { JobId = id });

        await Eventually.Async(async () => (await _app.VirtualHost.TakeAsync("staging-api.room-staged_error")).Count == 1, "the message is kept among the dead letters");
        (await visitor.GetAsync(id)).Body!["images"]!.AsArray().ShouldBeEmpty();
    }

    /// <summary>Says something, and waits until the service has heard it.</summary>
    private async Task SaidAsync(object message)
    {
        var id = Guid.NewGuid();
        await _app.PublishAsync(message, id);
        await Eventually.Async(async () => await _app.CountAsync($"inbox where message_id = '{id}'") == 1, "the message is heard");
    }
}
