using System.Net;
using HomeStage.Contracts;

namespace HomeStage.Worker.Rendering;

/// <summary>Asks staging-api, the only authority over jobs, whether an attempt may be made and may go on.</summary>
internal sealed class JobClaims(HttpClient http)
{
    /// <summary>How long one question may take.</summary>
    internal static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private static readonly ClaimAnswer Gone = new() { Decision = ClaimDecision.Finished };

    /// <summary>Asks for the lease of a job.</summary>
    /// <exception cref="HttpRequestException">staging-api cannot be reached, or cannot answer now.</exception>
    /// <exception cref="InvalidOperationException">staging-api does not understand the question.</exception>
    public Task<ClaimAnswer> ClaimAsync(Guid jobId, ClaimRequest request, CancellationToken cancellationToken) =>
        AskAsync($"internal/jobs/{jobId}/claim", request, cancellationToken);

    /// <summary>Asks for the lease to be prolonged.</summary>
    /// <inheritdoc cref="ClaimAsync" path="/exception"/>
    public Task<ClaimAnswer> RenewAsync(Guid jobId, ClaimRequest request, CancellationToken cancellationToken) =>
        AskAsync($"internal/jobs/{jobId}/renew", request, cancellationToken);

    private async Task<ClaimAnswer> AskAsync(string path, ClaimRequest request, CancellationToken cancellationToken)
    {
        using var response = await http.PostAsJsonAsync(path, request, cancellationToken);
        // A job whose row is gone was deleted with its account.
        if (response.StatusCode == HttpStatusCode.NotFound)
            return Gone;
        if (response.StatusCode == HttpStatusCode.BadRequest)
            throw new InvalidOperationException("staging-api does not understand a claim.");
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<ClaimAnswer>(cancellationToken)
            ?? throw new InvalidOperationException("staging-api answered a claim with nothing.");
    }
}

/// <summary>The values of <see cref="ClaimAnswer.Decision"/> that a worker must tell apart.</summary>
internal static class ClaimDecision
{
    internal const string Go = "go";
    internal const string Finished = "finished";
}
