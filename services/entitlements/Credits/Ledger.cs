using System.Diagnostics;
using HomeStage.Contracts;
using HomeStage.Entitlements.FreeUsage;
using HomeStage.Hosting;
using HomeStage.Hosting.Messaging;
using HomeStage.Hosting.Telemetry;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;

namespace HomeStage.Entitlements.Credits;

/// <summary>
/// The functions of the database that move credits, one round trip each. Every one is idempotent by its business key (order, job), so a
/// caller that does not know whether it was carried out calls again.
/// </summary>
internal sealed class Ledger(
    NpgsqlDataSource dataSource, IDbContextFactory<EntitlementsDb> databases, FreeAllowance allowance, Outbox outbox, CreditMetrics metrics, TimeProvider time)
{
    /// <summary>Claims a job's credits, or free pictures, or says why not.</summary>
    internal async Task<HoldAnswer> TakeHoldAsync(Guid job, HoldRequest request, CancellationToken cancellationToken)
    {
        var answer = await CallTakeHoldAsync(job, request, cancellationToken);
        outbox.Wake();
        metrics.HoldAnswered(answer);
        return answer;
    }

    /// <summary>
    /// Claims credits for a list of jobs, in its order. If all or none is asked for, a refusal is the only answer; else each job has one.
    /// </summary>
    internal async Task<IReadOnlyList<ListedHoldAnswer>> TakeHoldsAsync(HoldListRequest request, CancellationToken cancellationToken)
    {
        IReadOnlyList<ListedHoldAnswer> answers;
        try
        {
            answers = await CallTakeHoldsAsync(request, cancellationToken);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            // Another account took a hold for one of these jobs in this moment; all of ours was undone, and now its hold is seen.
            answers = await CallTakeHoldsAsync(request, cancellationToken);
        }

        outbox.Wake();
        metrics.HoldsAnswered(answers);
        return answers;
    }

    /// <summary>Grants what an order paid for. Runs in the caller's transaction; the outbox is the caller's to wake.</summary>
    internal async Task<PaymentApplied> ApplyPaymentAsync(EntitlementsDb db, PaymentCompleted payment, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return await OneAsync(
            db.Database.SqlQuery<PaymentApplied>(
                $"""
                select * from apply_payment({Guid.CreateVersion7(now)}, {payment.AccountId}, {payment.OrderId}, {payment.Plan}, {payment.Credits},
                  {payment.PaidAt.ToUniversalTime().AddDays(payment.ValidForDays)}, {now}, {Activity.Current?.Id}::text, {payment.RestoreCodeHash}::text)
                """),
            cancellationToken);
    }

    /// <summary>
    /// Keeps what billing says of an order's money and applies it, now or once there is a grant. Runs in the caller's transaction; the
    /// outbox is the caller's to wake.
    /// </summary>
    internal async Task<AdjustmentAnswer> AdjustPaymentAsync(EntitlementsDb db, PaymentAdjusted adjusted, CancellationToken cancellationToken) =>
        await OneAsync(
            db.Database.SqlQuery<AdjustmentAnswer>(
                $"""
                select * from adjust_payment({adjusted.OrderId}, {adjusted.AmountPaid}, {adjusted.AmountReturned}, {adjusted.DisputeOpen},
                  {adjusted.Revision}, {time.GetUtcNow()}, {Activity.Current?.Id}::text)
                """),
            cancellationToken);

    /// <summary>Ends a job's hold. Runs in the caller's transaction; the outbox is the caller's to wake.</summary>
    internal async Task<SettlementAnswer> SettleHoldAsync(EntitlementsDb db, StagingSettled settled, CancellationToken cancellationToken) =>
        await OneAsync(
            db.Database.SqlQuery<SettlementAnswer>(
                $"""
                select * from settle_hold({settled.AccountId}, {settled.JobId}, {settled.CreditsUsed}, {settled.Outcome}, {time.GetUtcNow()},
                  {Activity.Current?.Id}::text)
                """),
            cancellationToken);

    /// <summary>Expires what is due on up to <paramref name="limit"/> accounts that nobody else works on.</summary>
    internal async Task<ExpiryAnswer> ExpireDueAsync(int limit, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var answer = await OneAsync(
            db.Database.SqlQuery<ExpiryAnswer>($"select * from expire_due({limit}, {time.GetUtcNow()})"), cancellationToken);
        outbox.Wake();
        metrics.Expired(answer.Expired);
        return answer;
    }

    private async Task<HoldAnswer> CallTakeHoldAsync(Guid job, HoldRequest request, CancellationToken cancellationToken)
    {
        try
        {
            var answers = request.ApiKeyId is { } key
                ? await AnswersAsync(
                    "select $3, h.* from take_hold_by_key($1, $2, $3, $4, $5, $6, $7, $8) h",
                    [request.AccountId, key, job, request.Credits, request.Variations, request.Quality, time.GetUtcNow(), Activity.Current?.Id],
                    cancellationToken)
                : await AnswersAsync(
                    "select $2, h.* from take_hold($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) h",
                    [request.AccountId, job, request.Credits, request.Variations, request.Quality, .. Terms(request.AddressHash)],
                    cancellationToken);
            return answers[0].Alone;
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            // Another account took a hold for this job in this moment; ours was undone.
            return new HoldAnswer("different", 0, false, 0, 0, false, false, 0);
        }
    }

    private Task<IReadOnlyList<ListedHoldAnswer>> CallTakeHoldsAsync(HoldListRequest request, CancellationToken cancellationToken) => AnswersAsync(
        "select * from take_holds($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::uuid)",
        [
            request.AccountId,
            request.Holds.Select(hold => hold.JobId).ToArray(),
            request.Holds.Select(hold => hold.Credits).ToArray(),
            request.Holds.Select(hold => hold.Variations).ToArray(),
            request.Holds.Select(hold => hold.Quality).ToArray(),
            request.AllOrNone,
            .. Terms(request.AddressHash),
            request.ApiKeyId,
        ],
        cancellationToken);

    /// <summary>What the functions of a hold take at the end: who may have it for nothing, and how much of it; the time; the trace.</summary>
    private object?[] Terms(string? addressHash) =>
        [addressHash, allowance.Stagings, allowance.Window, allowance.DailyBudget, time.GetUtcNow(), Activity.Current?.Id];

    // The busiest statement of the service, and so without what EF Core does for each.
    private async Task<IReadOnlyList<ListedHoldAnswer>> AnswersAsync(string sql, object?[] arguments, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(sql);
        foreach (var argument in arguments)
            command.Parameters.Add(argument is null ? new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text } : new NpgsqlParameter { Value = argument });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var answers = new List<ListedHoldAnswer>();
        while (await reader.ReadAsync(cancellationToken))
        {
            answers.Add(new ListedHoldAnswer(
                reader.GetGuid(0),
                reader.GetString(1),
                reader.GetInt32(2),
                reader.GetBoolean(3),
                reader.GetInt32(4),
                reader.GetInt32(5),
                reader.GetBoolean(6),
                reader.GetBoolean(7),
                reader.GetInt32(8)));
        }

        return answers;
    }

    private static async Task<T> OneAsync<T>(IQueryable<T> rows, CancellationToken cancellationToken) => (await rows.ToListAsync(cancellationToken))[0];
}

/// <summary>What <c>take_hold</c> says; <see cref="Result"/> is explained there.</summary>
internal sealed record HoldAnswer(
    string Result, int Credits, bool Free, int Available, int FreeLeft, bool FreeIfDraft, bool Created, int Expired);

/// <summary>What <c>take_holds</c> says of one job.</summary>
internal sealed record ListedHoldAnswer(
    Guid JobId, string Result, int Credits, bool Free, int Available, int FreeLeft, bool FreeIfDraft, bool Created, int Expired)
{
    /// <summary>The answer that the job would have had by itself.</summary>
    internal HoldAnswer Alone => new(Result, Credits, Free, Available, FreeLeft, FreeIfDraft, Created, Expired);
}

/// <summary>What <c>apply_payment</c> says: 0 granted when it was granted before.</summary>
internal sealed record PaymentApplied(int Granted, int Revoked, int Expired);

/// <summary>What <c>adjust_payment</c> says; <see cref="Result"/> is explained there.</summary>
internal sealed record AdjustmentAnswer(string Result, int Revoked, int Restored, int Expired);

/// <summary>What <c>settle_hold</c> says; <see cref="Result"/> is explained there.</summary>
internal sealed record SettlementAnswer(string Result, int Captured, int Released, int Expired);

/// <summary>What <c>expire_due</c> says.</summary>
internal sealed record ExpiryAnswer(int Accounts, int Expired);

internal static class LedgerExtensions
{
    internal static void AddLedger(this ServiceBuilder service)
    {
        service.AddMetrics<CreditMetrics>();
        service.Services.AddSingleton<Ledger>();
        service.Services.AddSingleton<HoldQueue>();
    }
}
