using System.Text.Json;
using HomeStage.Contracts;
using HomeStage.Hosting.Messaging;
using MassTransit;

namespace HomeStage.Staging.Events;

/// <summary>Tells the account's streams to read the balance again. A repetition is one more reading.</summary>
internal sealed class CreditsChangedConsumer(Inbox<StagingDb> inbox, EventHub hub, TimeProvider time) : IConsumer<CreditsChanged>
{
    public async Task Consume(ConsumeContext<CreditsChanged> context)
    {
        var account = context.Message.AccountId;
        var body = JsonSerializer.Serialize(new { at = time.GetUtcNow() });
        await inbox.OnceAsync(context, "credits-changed", async (db, cancellationToken) =>
            account = await EventLog.AppendAsync(db, context.Message.AccountId, job: null, listingId: null, "credits", body, cancellationToken));
        hub.Announce(account, jobId: null);
    }
}
