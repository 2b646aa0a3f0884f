namespace HomeStage.Gateway.Identity;

/// <summary>A program that calls with an API key or an access token.</summary>
/// <param name="AccountId">On whose behalf.</param>
/// <param name="KeyId">The API key; null for an access token.</param>
/// <param name="Scopes">What it may do; nothing if empty.</param>
/// <param name="RequestsPerMinute">The key's own limit.</param>
/// <param name="EndsAt">When the credential ends by itself, in which moment also open streams do.</param>
internal sealed record ProgramCaller(Guid AccountId, Guid? KeyId, IReadOnlyList<string> Scopes, int? RequestsPerMinute, DateTimeOffset? EndsAt);
