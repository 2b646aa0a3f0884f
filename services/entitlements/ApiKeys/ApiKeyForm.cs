using System.ComponentModel.DataAnnotations;
using System.Text.Json;

namespace HomeStage.Entitlements.ApiKeys;

/// <summary>What a new API key is to be.</summary>
internal sealed record ApiKeyForm
{
    private const int LongestName = 100;
    private const int MostRequests = 6_000;
    private const int MostCredits = 1_000_000;

    /// <summary>What its owner calls it.</summary>
    [Required]
    public string? Name { get; init; }

    /// <summary>Some of <c>stagings:write</c>, <c>stagings:read</c>, <c>credits:read</c>, <c>webhooks:write</c>, <c>webhooks:read</c>.</summary>
    [Required]
    [AllowedValues("stagings:write", "stagings:read", "credits:read", "webhooks:write", "webhooks:read")]
    public IReadOnlyList<string>? Scopes { get; init; }

    /// <summary>When it ends by itself; never if left out.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Fewer requests than usual.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>Credits that its jobs may hold or use in a calendar month (UTC).</summary>
    public int? MonthlyCredits { get; init; }

    /// <summary>The form in a body; null, and the reasons against it by field, if it cannot be carried out.</summary>
    internal static (ApiKeyForm? Form, Dictionary<string, string[]> Errors) Parse(ReadOnlySpan<byte> body, JsonSerializerOptions json, DateTimeOffset now)
    {
        ApiKeyForm? form = null;
        try
        {
            form = JsonSerializer.Deserialize<ApiKeyForm>(body, json);
        }
        catch (JsonException)
        {
            // Answered below.
        }

        var errors = form?.Errors(now) ?? new(StringComparer.Ordinal) { ["body"] = ["Send a JSON object such as {\"name\":\"uploader\",\"scopes\":[\"stagings:write\"]}."] };
        return (errors.Count == 0 ? form : null, errors);
    }

    private Dictionary<string, string[]> Errors(DateTimeOffset now)
    {
        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        if (string.IsNullOrWhiteSpace(Name) || Name.Length > LongestName || Name.Any(char.IsControl))
            errors["name"] = [$"Give it a name of 1 to {LongestName} characters."];
        if (Scopes is not { Count: > 0 } || Scopes.Except(ApiKeyScopes.All, StringComparer.Ordinal).Any() || Scopes.Distinct(StringComparer.Ordinal).Count() < Scopes.Count)
            errors["scopes"] = [$"Name some of {string.Join(", ", ApiKeyScopes.All)}, each once."];
        if (ExpiresAt <= now)
            errors["expiresAt"] = ["Use a time to come, or leave it out."];
        if (RequestsPerMinute is < 1 or > MostRequests)
            errors["requestsPerMinute"] = [$"Use a number from 1 to {MostRequests}, or leave it out."];
        if (MonthlyCredits is < 0 or > MostCredits)
            errors["monthlyCredits"] = [$"Use a number from 0 to {MostCredits}, or leave it out."];
        return errors;
    }
}
