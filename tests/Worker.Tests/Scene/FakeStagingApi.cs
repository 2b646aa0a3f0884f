using System.Collections.Concurrent;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Messaging;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace HomeStage.Worker.Tests.Scene;

/// <summary>
/// Plays staging-api for the worker: claims and leases over HTTP behind real internal identity, work and results over the real broker.
/// </summary>
internal sealed class FakeStagingApi
{
    private readonly ConcurrentDictionary<Guid, Guid> _leases = [];

    /// <summary>Every result that arrived, in order, with the id of its message.</summary>
    public ConcurrentQueue<(Guid MessageId, object Message)> Results { get; } = [];

    /// <summary>Claims and renewals that were asked, in order.</summary>
    public ConcurrentQueue<(Guid JobId, string Verb, ClaimRequest Request)> Asked { get; } = [];

    /// <summary>What a test answers in place of the usual; null leaves it at that.</summary>
    public Func<Guid, string, ClaimRequest, IResult?> Instead { get; set; } = (_, _, _) => null;

    public int LeaseSeconds { get; set; } = 30;

    public int Missing { get; set; } = 1;

    public IEnumerable<T> ResultsOf<T>(Guid jobId) => Results.Select(result => result.Message).OfType<T>()
        .Where(message => message switch
        {
            RoomStaged staged => staged.JobId == jobId,
            StagingFailed failed => failed.JobId == jobId,
            RenderProgressed progressed => progressed.JobId == jobId,
            _ => false,
        });

    public void Compose(ServiceBuilder service)
    {
        service.Services.AddSingleton(this);
        service.AddIdentity(callers: ["staging-worker"]);
        service.AddMessaging(bus => bus
            .Publishes<StageRoom>()
            .Consumes<Recorder<RenderProgressed>, RenderProgressed>()
            .Consumes<Recorder<RoomStaged>, RoomStaged>()
            .Consumes<Recorder<StagingFailed>, StagingFailed>());
        service.Map(app => app.MapPost("/internal/jobs/{jobId:guid}/{verb}", Ask).RequireCaller("staging-worker"));
    }

    /// <summary>Ends whatever lease a job has, as the passing of time would.</summary>
    public void ExpireLease(Guid jobId) => _leases.TryRemove(jobId, out _);

    private IResult Ask(Guid jobId, string verb, ClaimRequest request)
    {
        Asked.Enqueue((jobId, verb, request));
        return Instead(jobId, verb, request) ?? Say(Decide(jobId, verb, request));
    }

    public IResult Say(string decision) =>
        TypedResults.Ok(new ClaimAnswer { Decision = decision, LeaseSeconds = LeaseSeconds, VariationsMissing = Missing });

    private string Decide(Guid jobId, string verb, ClaimRequest request)
    {
        if (ResultsOf<RoomStaged>(jobId).Any() || ResultsOf<StagingFailed>(jobId).Any(failed => !failed.Retryable))
            return verb == "renew" ? "stop" : "finished";
        return _leases.GetOrAdd(jobId, request.ClaimId) == request.ClaimId ? "go" : "leased";
    }

    private sealed class Recorder<T>(FakeStagingApi api) : IConsumer<T>
        where T : class
    {
        public Task Consume(ConsumeContext<T> context)
        {
            api.Results.Enqueue((context.MessageId!.Value, context.Message));
            return Task.CompletedTask;
        }
    }
}
