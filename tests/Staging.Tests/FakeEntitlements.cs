using System.Collections.Concurrent;
using HomeStage.Contracts;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using HomeStage.Tool.Servers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
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

    /// <summary>What a rich account can still pay; as much as it likes if it is not here.</summary>
    internal ConcurrentDictionary<Guid, int> Credits { get; } = new();

    /// <summary>What is held, by job.</summary>
    internal ConcurrentDictionary<Guid, HoldRequest> Holds { get; } = new();

    /// <summary>How many lists were asked for, by account.</summary>
    internal ConcurrentDictionary<Guid, int> Lists { get; } = new();

    /// <summary>What happens between a refusal's making and its answer.</summary>
    internal Func<Guid, Task> Refusing { get; set; } = _ => Task.CompletedTask;

    private readonly Lock _oneAtATime = new();

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
        service.Map(app => app.MapPut("/internal/holds/{jobId:guid}", HoldAsync).RequireCaller("staging-api"));
        service.Map(app => app.MapPut("/internal/holds", HoldList).RequireCaller("staging-api"));
    }

    private IResult HoldList(HoldListRequest request, HttpContext context)
    {
        Lists.AddOrUpdate(request.AccountId, 1, (_, count) => count + 1);
        var asked = request.Holds.Select(hold => (hold.JobId, Request: new HoldRequest
        {
            AccountId = request.AccountId,
            Credits = hold.Credits,
            Variations = hold.Variations,
            Quality = hold.Quality,
            AddressHash = request.AddressHash,
            ApiKeyId = request.ApiKeyId,
        })).ToList();
        var wallet = Wallets.GetValueOrDefault(request.AccountId);
        if (wallet is not (Wallet.Rich or Wallet.Free or Wallet.CutAfterTaking) && (request.AllOrNone || wallet is Wallet.Down or Wallet.Stranger))
            return Hold(asked[0].JobId, asked[0].Request, context);
        lock (_oneAtATime)
        {
            var left = Credits.GetValueOrDefault(request.AccountId, int.MaxValue);
            var taken = new List<ListedHoldTaken>();
            foreach (var (job, hold) in asked)
            {
                var fits = Holds.ContainsKey(job) || (wallet is Wallet.Rich or Wallet.Free or Wallet.CutAfterTaking && hold.Credits <= left);
                if (!fits && request.AllOrNone)
                    return Insufficient(asked.Sum(one => one.Request.Credits), Credits[request.AccountId], ("jobId", job));
                if (fits && !Holds.ContainsKey(job))
                    left -= hold.Credits;
                var free = wallet == Wallet.Free;
                taken.Add(new ListedHoldTaken { JobId = job, Refusal = fits ? null : "insufficient_credits", Credits = fits && !free ? hold.Credits : 0, Free = fits && free });
            }

            if (Credits.ContainsKey(request.AccountId))
                Credits[request.AccountId] = left;
            foreach (var (job, hold) in asked.Where((_, index) => taken[index].Refusal is null))
                Holds[job] = hold;
            if (wallet != Wallet.CutAfterTaking)
                return TypedResults.Ok(new HoldListTaken { Holds = taken });
            context.Abort();
            return TypedResults.Empty;
        }
    }

    private static ProblemHttpResult Insufficient(int needed, int available, params ReadOnlySpan<(string, object?)> more) => Problem.Result(
        ProblemCode.InsufficientCredits, "Buy credits.", [("needed", needed), ("available", available), ("freeLeft", 0), ("freeIfDraft", false), .. more]);

    private async Task<IResult> HoldAsync(Guid jobId, HoldRequest request, HttpContext context)
    {
        var answer = Hold(jobId, request, context);
        if (answer is ProblemHttpResult)
            await Refusing(request.AccountId);
        return answer;
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
            case Wallet.Rich when !Holds.ContainsKey(jobId) && Credits.TryGetValue(request.AccountId, out var left) && left < request.Credits:
                return Insufficient(request.Credits, left);
            case var wallet:
                Holds[jobId] = request;
                var free = wallet == Wallet.Free;
                return TypedResults.Ok(new HoldTaken { JobId = jobId, Credits = free ? 0 : request.Credits, Free = free });
        }
    }
}
