using System.Security.Cryptography;
using System.Text.Json;

namespace HomeStage.Entitlements.ApiKeys;

/// <summary>Body of <c>POST /api/v1/api-keys</c>.</summary>
internal sealed record ApiKeyForm
{
    private const int LongestName = 100;
    private const int MostRequests = 6_000;
    private const int MostCredits = 1_000_000;

    /// <summary>What its owner calls it.</summary>
    public string? Name { get; init; }

    /// <summary>Some of <c>stagings:write</c>, <c>stagings:read</c>, <c>credits:read</c>.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }

    /// <summary>When it ends by itself; never if left out.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Fewer requests than usual.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>Credits that its jobs may hold or use in a calendar month (UTC).</summary>
    public int? MonthlyCredits { get; init; }

    /// <summary>The reasons against it by field; none if it can be carried out.</summary>
    internal Dictionary<string, string[]> Errors(DateTimeOffset now)
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

    /// <summary>Says whether two requests under one idempotency key are the same.</summary>
    internal byte[] Fingerprint() => SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(this));
}
