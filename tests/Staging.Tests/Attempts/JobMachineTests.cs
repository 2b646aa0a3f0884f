using FsCheck;
using FsCheck.Fluent;
using HomeStage.Staging.Attempts;
using Shouldly;
using Xunit;
using static HomeStage.Staging.Tests.Attempts.JobExamples;

namespace HomeStage.Staging.Tests.Attempts;

public sealed class JobMachineTests
{
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
