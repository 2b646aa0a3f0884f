using System.Collections.Concurrent;
using HomeStage.Contracts;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using HomeStage.Tool.Servers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace HomeStage.Staging.Tests;

/// <summary>How entitlements treats an account.</summary>
internal enum Wallet
{
    Rich,
    Free,
    Empty,

    /// <summary>Support froze the account.</summary>
    Frozen,

    /// <summary>Only the free allowance could pay, and the address is blocked.</summary>
    Blocked,

    /// <summary>Does not know our token: 403 without an account's reason.</summary>
    Stranger,

    /// <summary>Answers 503.</summary>
    Down,

    /// <summary>Takes the hold and cuts the connection.</summary>
    CutAfterTaking,
}

/// <summary>Entitlements as staging-api sees it: takes holds from callers with a valid internal token, and remembers them.</summary>
internal sealed class FakeEntitlements : IAsyncDisposable
{
    private WebApplication? _app;

    internal ConcurrentDictionary<Guid, Wallet> Wallets { get; } = new();

    /// <summary>What was asked for, by job.</summary>
    internal ConcurrentDictionary<Guid, HoldRequest> Holds { get; } = new();

    internal string Url { get; private set; } = "";

    internal async Task StartAsync(TestIdentity identity, TimeProvider time, CancellationToken cancellationToken)
    {
        Url = $"http://127.0.0.1:{FreePorts.Next()}";
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["HTTP_URL"] = Url,
            ["MANAGEMENT_URL"] = $"http://127.0.0.1:{FreePorts.Next()}",
            ["IDENTITY_CALLERS_DIR"] = identity.CallersFolder,
            ["Logging:LogLevel:Default"] = "Warning",
        };
        _app = await ServiceHost.StartAsync("entitlements", settings, Compose, services => services.AddSingleton(time), cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
    }

    private void Compose(ServiceBuilder service)
    {
        service.AddIdentity(callers: ["staging-api"]);
        service.Map(app => app.MapPut("/internal/holds/{jobId:guid}", Hold).RequireCaller("staging-api"));
    }

    private IResult Hold(Guid jobId, HoldRequest request, HttpContext context)
    {
        switch (Wallets.GetValueOrDefault(request.AccountId))
        {
            case Wallet.Empty:
                return Problem.Result(ProblemCode.InsufficientCredits, "Buy credits.", ("needed", request.Credits), ("available", 0), ("freeLeft", 2), ("freeIfDraft", true));
            case Wallet.Frozen:
                return Problem.Result(ProblemCode.AccountFrozen, "Write to support.");
            case Wallet.Blocked:
                return Problem.Result(ProblemCode.FreeBlocked, "Buy credits.");
            case Wallet.Stranger:
                return Problem.Result(ProblemCode.Forbidden);
            case Wallet.Down:
                return Problem.Result(ProblemCode.UsageUnavailable);
            case Wallet.CutAfterTaking:
                Holds[jobId] = request;
                context.Abort();
                return TypedResults.Empty;
            case var wallet:
                Holds[jobId] = request;
                var free = wallet == Wallet.Free;
                return TypedResults.Ok(new HoldTaken { JobId = jobId, Credits = free ? 0 : request.Credits, Free = free });
        }
    }
}
