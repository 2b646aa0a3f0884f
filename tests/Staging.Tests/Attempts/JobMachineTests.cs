using FsCheck;
using FsCheck.Fluent;
using HomeStage.Contracts;
using HomeStage.Staging.Attempts;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.Attempts;

public sealed class JobMachineTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 22, 9, 0, 0, TimeSpan.Zero);
    private static readonly Guid Claim1 = Guid.NewGuid();
    private static readonly Guid Claim2 = Guid.NewGuid();

    private static readonly ProviderUsage Usage = new() { Model = "gpt-image-1", DurationMilliseconds = 1 };

    /// <summary>One job in each status, and every command: what becomes of the status.</summary>
    public static TheoryData<string, string, string> Table()
    {
        var rows = new TheoryData<string, string, string>();
        foreach (var (name, accepted, queued, running) in (ReadOnlySpan<(string, string, string, string)>)[
            ("hold taken", "Queued", "Queued", "Running"),
            ("hold refused", "Failed", "Queued", "Running"),
            ("claim", "Accepted", "Running", "Running"),
            ("renew", "Accepted", "Queued", "Running"),
            ("progress", "Accepted", "Queued", "Running"),
            ("deliver all", "Accepted", "Succeeded", "Succeeded"),
            ("deliver some", "Accepted", "Queued", "Running"),
            ("fail retryably", "Accepted", "Queued", "Running"),
            ("fail for good", "Accepted", "Failed", "Failed"),
            ("cancel", "Canceled", "Canceled", "Canceled"),
            ("tick at the hard end", "Failed", "Failed", "Failed"),
        ])
        {
            rows.Add("Accepted", name, accepted);
            rows.Add("Queued", name, queued);
            rows.Add("Running", name, running);
            foreach (var ended in (string[])["Succeeded", "Failed", "Canceled"])
                rows.Add(ended, name, ended);
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Table))]
    public void Every_command_in_every_status_does_what_the_table_says(string from, string command, string to)
    {
        var job = In(Enum.Parse<JobStatus>(from));
        var (what, at) = Command(command);

        var decision = JobMachine.Decide(job, what, at);

        decision.Job.Status.ToString().ShouldBe(to);
        if (job.IsTerminal)
            decision.Job.ShouldBeSameAs(job);
        decision.Settle.ShouldBe(!job.IsTerminal && decision.Job.IsTerminal);
        decision.Job.IsTerminal.ShouldBe(decision.Job.CreditsUsed is not null);
        decision.Job.IsTerminal.ShouldBe(decision.Job.DueAt is null);
    }

    [Fact]
    public void Whatever_happens_in_whatever_order_a_job_is_settled_once_and_never_for_more_than_it_delivered()
    {
        Prop.ForAll<byte[]>(steps =>
        {
            var job = New(variations: 3);
            var now = Start;
            var settlements = 0;
            foreach (var step in steps)
            {
                now += TimeSpan.FromSeconds(step % 7 * 20);
                var before = job;
                var decision = JobMachine.Decide(job, Anything(job, step), now);
                job = decision.Job;
                settlements += decision.Settle ? 1 : 0;

                if (job.Status != before.Status)
                    JobMachine.Allowed.ShouldContain((before.Status, job.Status));
                if (before.IsTerminal)
                    job.ShouldBeSameAs(before);
                job.Pictures.Length.ShouldBeLessThanOrEqualTo(job.Variations);
                job.Pictures.Select(picture => picture.Clean).ShouldBeUnique();
                job.CostlyAttempts.ShouldBeLessThanOrEqualTo(JobMachine.MaxCostlyAttempts);
                job.LastEvent.ShouldBe(before.LastEvent + (decision.Event is null ? 0 : 1));
                if (!ReferenceEquals(job, before))
                    job.Revision.ShouldBe(before.Revision + 1);
                if (job.Status == JobStatus.Succeeded)
                    job.Pictures.ShouldNotBeEmpty();
                if (job.IsTerminal)
                    job.CreditsUsed.ShouldBe(job.Pictures.Length * job.Price);
            }

            return settlements == (job.IsTerminal ? 1 : 0);
        }).QuickCheckThrowOnFailure();
    }

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

    private static Picture Pictured(string name) => new($"{name}-clean", $"{name}-labeled", $"{name}-thumb", 10, 10, "image/jpeg");

    private static Job New(int variations = 1) => new()
    {
        Id = Guid.NewGuid(),
        AccountId = Guid.NewGuid(),
        Room = "living_room",
        Style = "modern",
        Quality = "draft",
        Variations = variations,
        Price = 1,
        PromptVersion = 1,
        OriginalBlob = "x/y.jpg",
        PhotoWidth = 100,
        PhotoHeight = 100,
        CreatedAt = Start,
        Deadline = Start + JobMachine.Deadline,
        DueAt = Start + JobMachine.SubmissionLimit,
    };

    private static Job In(JobStatus status)
    {
        var accepted = New(variations: 2);
        var queued = JobMachine.Decide(accepted, new JobCommand.HoldTaken(2, false), Start).Job;
        var running = JobMachine.Decide(queued, new JobCommand.Claim(Claim1, 1), Start).Job;
        return status switch
        {
            JobStatus.Accepted => accepted,
            JobStatus.Queued => queued,
            JobStatus.Running => running,
            JobStatus.Succeeded => JobMachine.Decide(running, new JobCommand.Deliver(1, [Pictured("a"), Pictured("b")], Usage), Start).Job,
            JobStatus.Failed => JobMachine.Decide(running, new JobCommand.Fail(1, "moderation_blocked", false, false, null, 0), Start).Job,
            _ => JobMachine.Decide(running, new JobCommand.Cancel(true), Start).Job,
        };
    }

    private static (JobCommand Command, DateTimeOffset At) Command(string name) => name switch
    {
        "hold taken" => (new JobCommand.HoldTaken(2, false), Start),
        "hold refused" => (new JobCommand.HoldRefused("insufficient_credits"), Start),
        "claim" => (new JobCommand.Claim(Claim2, 1), Start),
        "renew" => (new JobCommand.Renew(Claim1), Start),
        "progress" => (new JobCommand.Progress(1, "rendering", null), Start),
        "deliver all" => (new JobCommand.Deliver(1, [Pictured("a"), Pictured("b")], Usage), Start),
        "deliver some" => (new JobCommand.Deliver(1, [Pictured("a")], Usage), Start),
        "fail retryably" => (new JobCommand.Fail(1, "provider_unavailable", true, true, null, 0), Start),
        "fail for good" => (new JobCommand.Fail(1, "moderation_blocked", false, false, null, 0), Start),
        "cancel" => (new JobCommand.Cancel(true), Start),
        _ => (new JobCommand.Tick(true), Start + JobMachine.Deadline + JobMachine.HardEndAfterDeadline),
    };

    private static JobCommand Anything(Job job, byte step)
    {
        var attempt = Math.Max(1, job.Attempt - (step / 64 % 2));
        var claim = step % 2 == 0 ? Claim1 : Claim2;
        return (step % 10) switch
        {
            0 => new JobCommand.HoldTaken(job.Variations, false),
            1 or 2 => new JobCommand.Claim(claim, attempt),
            3 => new JobCommand.Renew(claim),
            4 => new JobCommand.Progress(attempt, "rendering", null),
            5 => new JobCommand.Deliver(attempt, [Pictured($"{attempt}-{step % 3}")], Usage),
            6 => new JobCommand.Fail(attempt, "provider_unavailable", step > 30, step % 4 < 2, null, 0.5),
            7 when step > 200 => new JobCommand.Cancel(true),
            8 when step > 240 => new JobCommand.HoldRefused("insufficient_credits"),
            _ => new JobCommand.Tick(step % 4 != 1),
        };
    }
}
