using System.Text.Json;
using System.Text.Json.Serialization;

namespace HomeStage.Gateway.Challenges;

/// <summary>What became of an answer.</summary>
internal enum Proof
{
    /// <summary>A person gave it here, just now.</summary>
    Passed,

    /// <summary>It is wrong, was used before, is too old, or was given elsewhere.</summary>
    Failed,

    /// <summary>The provider cannot say. That is no proof.</summary>
    Unavailable,
}

/// <summary>
/// Asks the provider's <c>siteverify</c> about an answer. Each answer can be verified once, which is the provider's to see to. The client's
/// address is not told: it is optional, and nobody's business.
/// </summary>
internal sealed class ChallengeVerifier(HttpClient http, ChallengeSettings settings)
{
    /// <summary>How long the provider may take: somebody waits for it.</summary>
    internal static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    // What the providers say of our side rather than of the answer.
    private static readonly string[] OurFault = ["missing-input-secret", "invalid-input-secret", "sitekey-secret-mismatch", "bad-request", "internal-error"];

    public async Task<Proof> VerifyAsync(string answer, CancellationToken cancellationToken)
    {
        try
        {
            using var form = new FormUrlEncodedContent([new("secret", settings.Secret), new("response", answer), new("sitekey", settings.SiteKey)]);
            using var reply = await http.PostAsync(settings.VerifyUrl, form, cancellationToken);
            // Some say with 400 what is wrong with the answer; without a verdict there is none.
            var verdict = await reply.Content.ReadFromJsonAsync<Verdict>(cancellationToken);
            if (verdict?.Success is not { } success || (!success && verdict.Errors?.Any(OurFault.Contains) is true))
                return Proof.Unavailable;
            return success && string.Equals(verdict.Hostname, settings.Host, StringComparison.OrdinalIgnoreCase) ? Proof.Passed : Proof.Failed;
        }
        catch (Exception error) when (error is HttpRequestException or JsonException or NotSupportedException
            || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return Proof.Unavailable;
        }
    }

    private sealed record Verdict(bool? Success, string? Hostname, [property: JsonPropertyName("error-codes")] IReadOnlyList<string>? Errors);
}
