using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using HomeStage.Entitlements.Credits;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Net.Http.Headers;

namespace HomeStage.Entitlements.FreeUsage;

/// <summary>A keyed hash of an address that gets nothing for free, and that gateways refuse.</summary>
internal sealed class AddressBlock
{
    public required string AddressHash { get; init; }

    /// <summary>For ever if null.</summary>
    public DateTimeOffset? Until { get; init; }

    public required string Reason { get; init; }

    public required string BlockedBy { get; init; }

    public required DateTimeOffset BlockedAt { get; init; }
}

/// <summary>Answer to <c>GET /internal/blocks</c>: every block that holds now.</summary>
internal sealed record BlockList(IReadOnlyList<Blocked> Blocks);

/// <summary>A blocked address, and until when; for ever if null.</summary>
internal sealed record Blocked(string AddressHash, DateTimeOffset? Until);

/// <summary>
/// <c>GET /internal/blocks</c>: what gateways obey. They ask again every few seconds with <c>If-None-Match</c>; the entity tag is made of
/// the list itself, so that it is the same at every replica and changes when a block ends.
/// </summary>
internal static class AddressBlocks
{
    internal static void AddAddressBlocks(this ServiceBuilder service) =>
        service.Map(app => app.MapGet("/internal/blocks", ListAsync)
            .RequireCaller("gateway")
            .AddEndpointFilter(UsageUnavailable.Filter));

    /// <summary>The blocks that hold at a time, in order of their hash.</summary>
    internal static IQueryable<AddressBlock> HoldingAt(this IQueryable<AddressBlock> blocks, DateTimeOffset now) =>
        blocks.Where(block => block.Until == null || block.Until > now).OrderBy(block => block.AddressHash);

    private static async Task<Results<Ok<BlockList>, StatusCodeHttpResult>> ListAsync(
        HttpContext context, IDbContextFactory<EntitlementsDb> databases, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var list = new BlockList(await db.AddressBlocks.HoldingAt(time.GetUtcNow())
            .Select(block => new Blocked(block.AddressHash, block.Until)).ToListAsync(cancellationToken));
        var tag = new EntityTagHeaderValue('"' + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(list)))[..16]) + '"');
        context.Response.GetTypedHeaders().ETag = tag;
        return context.Request.GetTypedHeaders().IfNoneMatch.Any(known => known.Compare(tag, useStrongComparison: false))
            ? TypedResults.StatusCode(StatusCodes.Status304NotModified)
            : TypedResults.Ok(list);
    }
}
