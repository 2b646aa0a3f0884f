using HomeStage.Contracts;
using HomeStage.Hosting.Messaging;
using MassTransit;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Accounts;

/// <summary>Removes the webhook endpoints of an erased account, and of those that were merged into it, with all that they were to be told.</summary>
internal sealed class AccountErasedConsumer(Inbox<StagingDb> inbox) : IConsumer<AccountErased>
{
    public Task Consume(ConsumeContext<AccountErased> context) =>
        inbox.OnceAsync(context, "account-erased", async (db, cancellationToken) =>
        {
            var accounts = await db.OwnersAsync(context.Message.AccountId, cancellationToken);
            await db.WebhookEndpoints.Where(endpoint => accounts.Contains(endpoint.AccountId)).ExecuteDeleteAsync(cancellationToken);
        });
}
