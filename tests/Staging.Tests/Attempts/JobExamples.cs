using HomeStage.Contracts;
using HomeStage.Staging.Attempts;

namespace HomeStage.Staging.Tests.Attempts;

/// <summary>A job in each of its states, as the machine itself makes them.</summary>
internal static class JobExamples
{
    internal static readonly DateTimeOffset Start = new(2026, 11, 22, 9, 0, 0, TimeSpan.Zero);
    internal static readonly Guid Claim1 = Guid.NewGuid();
    internal static readonly Guid Claim2 = Guid.NewGuid();
    internal static readonly ProviderUsage Usage = new() { Model = "gpt-image-1", DurationMilliseconds = 1 };

    internal static Picture Pictured(string name) => new($"{name}-clean", $"{name}-labeled", $"{name}-thumb", 10, 10, "image/jpeg");

    internal static Job New(int variations = 1) => new()
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

    internal static Job In(JobStatus status)
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
}
