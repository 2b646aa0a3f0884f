using System.Net;
using System.Text.Json;
using HomeStage.Contracts;
using Microsoft.AspNetCore.Mvc;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace HomeStage.Staging.Stagings;

/// <summary>What became of a request for a hold.</summary>
internal abstract record HoldOutcome
{
    /// <summary>It is held, now or since an earlier request.</summary>
    internal sealed record Taken(HoldTaken Hold) : HoldOutcome;

    /// <summary>Of each job of a list it is said whether it is held.</summary>
    internal sealed record ListTaken(IReadOnlyList<ListedHoldTaken> Holds) : HoldOutcome;

    /// <summary>The account cannot pay; nothing is held.</summary>
    internal sealed record Refused(ProblemDetails Problem) : HoldOutcome;

    /// <summary>The job was settled before, so nothing can be held for it.</summary>
    internal sealed record Settled : HoldOutcome;

    /// <summary>No answer that says; it may be held or not. Asking again is safe.</summary>
    internal sealed record Unknown : HoldOutcome;

    /// <summary>The stable code of a refusal, if it has one.</summary>
    internal static string? CodeOf(ProblemDetails problem) => problem.Extensions.TryGetValue("code", out var code) ? code?.ToString() : null;
}

/// <summary>Holds credits at entitlements, for one job (<c>PUT /internal/holds/{jobId}</c>) or for a list (<c>PUT /internal/holds</c>); both may be repeated.</summary>
internal sealed class EntitlementsClient(HttpClient http)
{
    /// <summary>For all tries together.</summary>
    internal static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private static readonly ResiliencePipeline<HttpResponseMessage> Tries = new ResiliencePipelineBuilder<HttpResponseMessage>()
        .AddRetry(new RetryStrategyOptions<HttpResponseMessage>
        {
            ShouldHandle = new PredicateBuilder<HttpResponseMessage>()
                .Handle<HttpRequestException>().Handle<TimeoutRejectedException>().HandleResult(answer => answer.StatusCode >= HttpStatusCode.InternalServerError),
            MaxRetryAttempts = 2,
            BackoffType = DelayBackoffType.Exponential,
            Delay = TimeSpan.FromMilliseconds(150),
            UseJitter = true,
        })
        .AddTimeout(TimeSpan.FromSeconds(3))
        .Build();

    internal Task<HoldOutcome> HoldAsync(Guid jobId, HoldRequest request, CancellationToken cancellationToken) =>
        PutAsync<HoldRequest, HoldTaken>($"internal/holds/{jobId}", request, taken => new HoldOutcome.Taken(taken), cancellationToken);

    internal Task<HoldOutcome> HoldAsync(HoldListRequest request, CancellationToken cancellationToken) =>
        PutAsync<HoldListRequest, HoldListTaken>("internal/holds", request, taken => new HoldOutcome.ListTaken(taken.Holds), cancellationToken);

    private async Task<HoldOutcome> PutAsync<TRequest, TTaken>(string path, TRequest request, Func<TTaken, HoldOutcome> taken, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await Tries.ExecuteAsync(async token => await http.PutAsJsonAsync(path, request, token), cancellationToken);
            return answer.StatusCode switch
            {
                HttpStatusCode.OK => taken((await answer.Content.ReadFromJsonAsync<TTaken>(cancellationToken))!),
                HttpStatusCode.PaymentRequired => new HoldOutcome.Refused(await ProblemAsync()),
                // Another 403 would be about our own token, which says nothing of the account.
                HttpStatusCode.Forbidden when await ProblemAsync() is var problem && HoldOutcome.CodeOf(problem) is "account_frozen" or "key_ended" =>
                    new HoldOutcome.Refused(problem),
                HttpStatusCode.Conflict => new HoldOutcome.Settled(),
                _ => new HoldOutcome.Unknown(),
            };

            async Task<ProblemDetails> ProblemAsync() => (await answer.Content.ReadFromJsonAsync<ProblemDetails>(cancellationToken))!;
        }
        catch (Exception error) when (error is HttpRequestException or TimeoutRejectedException or JsonException
            || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return new HoldOutcome.Unknown();
        }
    }
}
