using HomeStage.Staging.Attempts;
using Shouldly;
using Xunit;
using static HomeStage.Staging.Tests.Attempts.JobExamples;

namespace HomeStage.Staging.Tests.Attempts;

public sealed class JobRulesTests
{
    [Fact]
    public void A_claim_gets_the_lease_only_once_and_the_same_claim_gets_it_again()
    {
        var queued = In(JobStatus.Queued);
        var first = JobMachine.Decide(queued, new JobCommand.Claim(Claim1, 1), Start);
        var other = JobMachine.Decide(first.Job, new JobCommand.Claim(Claim2, 1), Start);
        var again = JobMachine.Decide(other.Job, new JobCommand.Claim(Claim1, 1), Start.AddSeconds(10));

        first.Answer.ShouldBe("go");
        other.Answer.ShouldBe("leased");
        again.Answer.ShouldBe("go");
        again.Event.ShouldBeNull();
        again.Job.LeaseUntil.ShouldBe(Start.AddSeconds(40));
    }

    [Fact]
    public void A_claim_of_an_older_attempt_or_after_the_deadline_is_told_that_it_is_finished()
    {
        var queued = In(JobStatus.Queued) with { Attempt = 2 };

        JobMachine.Decide(queued, new JobCommand.Claim(Claim1, 1), Start).Answer.ShouldBe("finished");
        JobMachine.Decide(queued, new JobCommand.Claim(Claim1, 2), queued.Deadline).Answer.ShouldBe("finished");
        JobMachine.Decide(In(JobStatus.Canceled), new JobCommand.Claim(Claim1, 1), Start).Answer.ShouldBe("canceled");
        JobMachine.Decide(In(JobStatus.Succeeded), new JobCommand.Claim(Claim1, 1), Start).Answer.ShouldBe("finished");
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 4)]
    [InlineData(5, 32)]
    [InlineData(9, 60)]
    public void Retries_wait_twice_as_long_each_time_up_to_a_minute_with_jitter(int tries, int seconds)
    {
        var job = In(JobStatus.Running) with { FreeAttempts = tries - 1 };

        DueAfter(jitter: 0).ShouldBe(TimeSpan.FromSeconds(seconds * 0.5));
        DueAfter(jitter: 0.5).ShouldBe(TimeSpan.FromSeconds(seconds));

        TimeSpan DueAfter(double jitter) =>
            JobMachine.Decide(job, new JobCommand.Fail(1, "provider_unavailable", Retryable: true, MayHaveCost: false, null, jitter), Start).Job.NextAttemptAt!.Value - Start;
    }

    [Fact]
    public void A_retry_waits_as_long_as_the_provider_asked_unless_that_is_past_the_deadline()
    {
        var job = In(JobStatus.Running);

        var waiting = JobMachine.Decide(job, Failure(retryAfter: 90), Start);
        var hopeless = JobMachine.Decide(job, Failure(retryAfter: 3600), Start);

        waiting.Job.NextAttemptAt.ShouldBe(Start.AddSeconds(90));
        (waiting.Job.Attempt, waiting.Send, waiting.Job.ClaimId).ShouldBe((2, false, null));
        hopeless.Job.Status.ShouldBe(JobStatus.Failed);
        hopeless.Job.ErrorCode.ShouldBe("rate_limited");

        static JobCommand Failure(int retryAfter) => new JobCommand.Fail(1, "rate_limited", true, false, TimeSpan.FromSeconds(retryAfter), 0);
    }

    [Fact]
    public void Three_attempts_that_may_have_cost_money_are_the_end_and_free_ones_do_not_count_as_such()
    {
        var job = In(JobStatus.Running) with { CostlyAttempts = 2, FreeAttempts = 5 };

        JobMachine.Decide(job, new JobCommand.Fail(1, "provider_unavailable", true, MayHaveCost: false, null, 0), Start).Job.IsTerminal.ShouldBeFalse();
        var last = JobMachine.Decide(job, new JobCommand.Fail(1, "provider_unavailable", true, MayHaveCost: true, null, 0), Start);
        last.Job.Status.ShouldBe(JobStatus.Failed);
        last.Job.CreditsUsed.ShouldBe(0);
    }

    [Fact]
    public void The_end_of_the_budget_with_a_picture_is_a_success_for_what_there_is()
    {
        var job = In(JobStatus.Running) with { Variations = 3, CostlyAttempts = 2, Pictures = [Pictured("a")] };

        var last = JobMachine.Decide(job, new JobCommand.Fail(1, "provider_unavailable", true, true, null, 0), Start);

        (last.Job.Status, last.Job.CreditsUsed, last.Job.ErrorCode).ShouldBe((JobStatus.Succeeded, 1, null));
    }

    [Fact]
    public void An_older_attempt_may_still_deliver_what_is_missing_and_may_not_fail_the_job()
    {
        var job = In(JobStatus.Running) with { Variations = 2, Attempt = 2 };

        var failed = JobMachine.Decide(job, new JobCommand.Fail(1, "moderation_blocked", false, true, null, 0), Start);
        var some = JobMachine.Decide(job, new JobCommand.Deliver(1, [Pictured("a")], Usage), Start);
        var all = JobMachine.Decide(some.Job, new JobCommand.Deliver(1, [Pictured("a"), Pictured("b"), Pictured("c")], Usage), Start);

        failed.Job.ShouldBeSameAs(job);
        (some.Job.Status, some.Job.ClaimId, some.Event).ShouldBe((JobStatus.Running, Claim1, "progress"));
        (all.Job.Status, all.Job.Pictures.Length).ShouldBe((JobStatus.Succeeded, 2));
        JobMachine.Decide(all.Job, new JobCommand.Renew(Claim1), Start).Answer.ShouldBe("stop");
    }

    [Fact]
    public void Pictures_delivered_twice_count_once()
    {
        var job = In(JobStatus.Running) with { Variations = 3 };

        var once = JobMachine.Decide(job, new JobCommand.Deliver(1, [Pictured("a")], Usage), Start);
        var twice = JobMachine.Decide(once.Job, new JobCommand.Deliver(1, [Pictured("a")], Usage), Start);

        (once.Job.Attempt, once.Send, once.Job.Pictures.Length).ShouldBe((2, true, 1));
        twice.Job.ShouldBeSameAs(once.Job);
    }

    [Fact]
    public void A_queued_job_that_nobody_claims_is_sent_again_after_a_minute_then_two_then_four()
    {
        var job = JobMachine.Decide(New(), new JobCommand.HoldTaken(1, false), Start).Job;
        var at = Start;
        foreach (var seconds in (int[])[60, 120, 240])
        {
            JobMachine.Decide(job, new JobCommand.Tick(true), at.AddSeconds(seconds - 1)).Send.ShouldBeFalse();
            at = at.AddSeconds(seconds);
            var again = JobMachine.Decide(job, new JobCommand.Tick(true), at);
            (again.Send, again.Job.Attempt, again.Event).ShouldBe((true, 1, null));
            job = again.Job;
        }
    }

    [Fact]
    public void An_expired_lease_is_taken_back_as_an_attempt_that_may_have_cost_money()
    {
        var job = In(JobStatus.Running);
        var after = Start.AddSeconds(31);

        JobMachine.Decide(job, new JobCommand.Tick(LeasesMayExpire: true), Start.AddSeconds(29)).Job.ShouldBeSameAs(job);
        JobMachine.Decide(job, new JobCommand.Tick(LeasesMayExpire: false), after).Job.ShouldBeSameAs(job);
        var taken = JobMachine.Decide(job, new JobCommand.Tick(LeasesMayExpire: true), after);

        (taken.Job.Attempt, taken.Job.CostlyAttempts, taken.Job.ClaimId, taken.Send).ShouldBe((2, 1, null, true));
        taken.Ended!.Outcome.ShouldBe("lease_lost");
    }

    [Fact]
    public void The_deadline_ends_a_job_only_when_no_lease_is_live_and_the_hard_end_ends_it_anyway()
    {
        var leased = In(JobStatus.Running) with { LeaseUntil = Start.AddMinutes(16) };

        JobMachine.Decide(leased, new JobCommand.Tick(true), leased.Deadline.AddSeconds(1)).Job.ShouldBeSameAs(leased);
        JobMachine.Decide(leased, new JobCommand.Renew(Claim1), leased.Deadline.AddSeconds(1)).Answer.ShouldBe("go");
        var over = JobMachine.Decide(leased, new JobCommand.Tick(true), leased.Deadline.AddMinutes(1).AddSeconds(1));
        (over.Job.Status, over.Job.ErrorCode).ShouldBe((JobStatus.Failed, "deadline_exceeded"));

        var hardEnd = leased.Deadline + JobMachine.HardEndAfterDeadline;
        var stubborn = leased with { LeaseUntil = hardEnd.AddSeconds(20) };
        JobMachine.Decide(stubborn, new JobCommand.Renew(Claim1), hardEnd).Answer.ShouldBe("stop");
        JobMachine.Decide(stubborn, new JobCommand.Tick(true), hardEnd).Job.Status.ShouldBe(JobStatus.Failed);
    }

    [Fact]
    public void Progress_goes_forward_only_and_only_for_the_current_attempt()
    {
        var rendering = JobMachine.Decide(In(JobStatus.Running) with { Phase = "preparing" }, new JobCommand.Progress(1, "rendering", null), Start).Job;

        rendering.Phase.ShouldBe("rendering");
        JobMachine.Decide(rendering, new JobCommand.Progress(1, "preparing", null), Start).Job.ShouldBeSameAs(rendering);
        JobMachine.Decide(rendering, new JobCommand.Progress(1, "rendering", null), Start).Job.ShouldBeSameAs(rendering);
        JobMachine.Decide(rendering, new JobCommand.Progress(2, "finishing", null), Start).Job.ShouldBeSameAs(rendering);
        JobMachine.Decide(rendering, new JobCommand.Progress(1, "rendering", "x/1/p.jpg"), Start).Event.ShouldBe("progress");
    }

    [Fact]
    public void Cancelling_after_the_provider_call_began_needs_leave_and_pays_for_what_was_delivered()
    {
        var rendering = In(JobStatus.Running) with { Variations = 2, Phase = "rendering", Pictures = [Pictured("a")] };

        JobMachine.Decide(rendering, new JobCommand.Cancel(LateAllowed: false), Start).Answer.ShouldBe("too_late");
        var canceled = JobMachine.Decide(rendering, new JobCommand.Cancel(LateAllowed: true), Start);
        (canceled.Answer, canceled.Job.LateCancel, canceled.Job.CreditsUsed).ShouldBe(("canceled", true, 1));
        JobMachine.Decide(In(JobStatus.Queued), new JobCommand.Cancel(LateAllowed: false), Start).Job.LateCancel.ShouldBeFalse();
        JobMachine.Decide(canceled.Job, new JobCommand.Cancel(LateAllowed: false), Start).Answer.ShouldBe("canceled");
        JobMachine.Decide(In(JobStatus.Succeeded), new JobCommand.Cancel(LateAllowed: true), Start).Answer.ShouldBe("too_late");
    }
}
