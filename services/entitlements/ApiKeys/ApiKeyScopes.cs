namespace HomeStage.Entitlements.ApiKeys;

/// <summary>What a key may be allowed to do.</summary>
internal static class ApiKeyScopes
{
    internal static readonly string[] All = ["stagings:write", "stagings:read", "credits:read", "webhooks:write", "webhooks:read"];
}
