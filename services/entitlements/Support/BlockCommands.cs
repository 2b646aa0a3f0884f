using System.Text.RegularExpressions;
using HomeStage.Entitlements.FreeUsage;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.Support;

/// <summary>Body of <c>PUT /support/blocks/{iph}</c>.</summary>
/// <param name="Until">For ever if left out.</param>
/// <param name="Reason">For support alone.</param>
internal sealed record BlockCommand(DateTimeOffset? Until, string Reason);

/// <summary>A block as support sees it.</summary>
internal sealed record BlockView(string AddressHash, DateTimeOffset? Until, string Reason, string BlockedBy, DateTimeOffset BlockedAt);

/// <summary>Answer to <c>GET /support/blocks</c>: the blocks that hold now.</summary>
internal sealed record BlockViews(IReadOnlyList<BlockView> Blocks);

/// <summary>Answer to <c>DELETE /support/blocks/{iph}</c>; the block may have ended before.</summary>
internal sealed record Unblocked(string AddressHash);

/// <summary>Blocks and unblocks a household by the keyed hash of its address.</summary>
internal static partial class BlockCommands
{
    internal static void MapBlocks(this IEndpointRouteBuilder read) => read.MapGet("/blocks", ListAsync);

    internal static void MapBlockCommands(this IEndpointRouteBuilder act)
    {
        act.MapPut("/blocks/{iph}", BlockAsync);
        act.MapDelete("/blocks/{iph}", UnblockAsync);
    }

    private static async Task<BlockViews> ListAsync(IDbContextFactory<EntitlementsDb> databases, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return new(await db.AddressBlocks.HoldingAt(time.GetUtcNow())
            .Select(block => new BlockView(block.AddressHash, block.Until, block.Reason, block.BlockedBy, block.BlockedAt))
            .ToListAsync(cancellationToken));
    }

    private static Task<BlockView> BlockAsync(
        string iph, BlockCommand command, SupportCaller caller, SupportDesk desk, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!Hash().IsMatch(iph))
            throw NoHash();
        if (command.Until <= time.GetUtcNow())
            throw new ProblemException(Problem.Invalid("until", "Name a time to come, or leave it out."));
        var until = command.Until?.ToUniversalTime();
        return desk.ActAsync(
            caller,
            new SupportCommand("block", iph, command.Reason, new { Until = until }),
            async (db, now) =>
            {
                await db.Database.ExecuteSqlAsync(
                    $"""
                    insert into address_blocks (address_hash, until, reason, blocked_by, blocked_at)
                    values ({iph}, {until}::timestamptz, {command.Reason}, {caller.Name}, {now})
                    on conflict (address_hash) do update
                      set until = excluded.until, reason = excluded.reason, blocked_by = excluded.blocked_by, blocked_at = excluded.blocked_at
                    """,
                    cancellationToken);
                return new BlockView(iph, until, command.Reason, caller.Name, now);
            },
            cancellationToken);
    }

    private static Task<Unblocked> UnblockAsync(
        string iph, [FromBody] ReasonCommand command, SupportCaller caller, SupportDesk desk, CancellationToken cancellationToken) =>
        desk.ActAsync(
            caller,
            new SupportCommand("unblock", iph, command.Reason, new { }),
            async (db, _) =>
            {
                var deleted = await db.AddressBlocks.Where(block => block.AddressHash == iph).ExecuteDeleteAsync(cancellationToken);
                return deleted > 0 || Hash().IsMatch(iph) ? new Unblocked(iph) : throw NoHash();
            },
            cancellationToken);

    // Anything else, such as the address itself, would block nobody and stay in the audit for ever.
    private static ProblemException NoHash() => new(Problem.Invalid(
        "iph", "Give the keyed hash of the address, 43 characters: it is the ip of the gateway's security events in the log. Never the address itself."));

    /// <summary>Base64url of HMAC-SHA-256, as the gateway makes it.</summary>
    [GeneratedRegex(@"^[A-Za-z0-9_-]{43}\z", RegexOptions.None, 1000)]
    private static partial Regex Hash();
}
