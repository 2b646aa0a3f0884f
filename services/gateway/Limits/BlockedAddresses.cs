using System.Collections.Frozen;
using System.Net;
using System.Net.Http.Headers;
using HomeStage.Gateway.Requests;
using HomeStage.Gateway.Telemetry;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using HomeStage.Hosting.Recurring;
using HomeStage.Hosting.Telemetry;

namespace HomeStage.Gateway.Limits;

/// <summary>
/// The addresses that support blocked, as entitlements lists them. Asked for every 5 s, so that a block is obeyed within 10; while
/// entitlements is away the last list holds.
/// </summary>
/// <remarks>Asks by the network's time, not the clock that tests move.</remarks>
internal sealed partial class BlockedAddresses(IServiceProvider services, Sweeps sweeps, TimeProvider time, ILogger<BlockedAddresses> logger)
    : RecurringWork("blocked_addresses", TimeSpan.FromSeconds(5), sweeps, TimeProvider.System)
{
    private FrozenDictionary<string, DateTimeOffset?> _until = FrozenDictionary<string, DateTimeOffset?>.Empty;
    private EntityTagHeaderValue? _tag;

    internal bool Contains(string addressHash) =>
        _until.TryGetValue(addressHash, out var until) && (until is null || until > time.GetUtcNow());

    protected override async Task<bool> WorkAsync(CancellationToken cancellationToken)
    {
        await ReadAsync(cancellationToken);
        return true;
    }

    protected override void Failed(Exception error) => Log.Away(logger, error);

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/internal/blocks");
        if (_tag is not null)
            request.Headers.IfNoneMatch.Add(_tag);
        using var answer = await services.GetRequiredService<BlockSource>().Entitlements.SendAsync(request, cancellationToken);
        if (answer.StatusCode == HttpStatusCode.NotModified)
            return;
        answer.EnsureSuccessStatusCode();
        var list = await answer.Content.ReadFromJsonAsync<BlockList>(cancellationToken);
        _until = list!.Blocks.ToFrozenDictionary(block => block.AddressHash, block => block.Until, StringComparer.Ordinal);
        _tag = answer.Headers.ETag;
    }

    /// <summary>The client that reads the list.</summary>
    internal sealed record BlockSource(HttpClient Entitlements);

    private sealed record BlockList(IReadOnlyList<Block> Blocks);

    private sealed record Block(string AddressHash, DateTimeOffset? Until);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Entitlements did not tell the blocked addresses; the last list holds", EventName = "blocks_unknown")]
        public static partial void Away(ILogger logger, Exception exception);
    }
}

internal static class BlockedAddressesExtensions
{
    private static readonly PathString Webhooks = "/webhooks";

    /// <summary>Refuses blocked addresses everywhere but at the webhook door. Reads <c>ENTITLEMENTS_URL</c>.</summary>
    internal static void AddBlockedAddresses(this ServiceBuilder service)
    {
        var entitlements = service.Settings.Urls("ENTITLEMENTS_URL", "the addresses of entitlements, e.g. http://127.0.0.1:5003");
        service.AddInternalClient<BlockedAddresses.BlockSource>("entitlements", entitlements, TimeSpan.FromSeconds(2));
        service.Services.AddSingleton<BlockedAddresses>();
        service.Services.AddHostedService(provider => provider.GetRequiredService<BlockedAddresses>());
        service.Use(app =>
        {
            var blocked = app.Services.GetRequiredService<BlockedAddresses>();
            var events = app.Services.GetRequiredService<SecurityEvents>();
            app.Use((context, next) =>
            {
                if (context.Request.Path.StartsWithSegments(Webhooks, StringComparison.Ordinal) || !blocked.Contains(ClientAddress.Of(context).Hash))
                    return next(context);
                events.AddressBlocked(context);
                return Problem.Result(ProblemCode.Forbidden, "Requests from this address are not answered. Ask support.").ExecuteAsync(context);
            });
        });
    }
}
