namespace HomeStage.Gateway.Tests.Webhooks;

/// <summary>Webhooks that could be Stripe's.</summary>
internal static class Hook
{
    /// <summary>A signature that is well formed and fresh; only billing could tell that it is wrong.</summary>
    public static string Signature(Stack stack) => $"t={stack.Time.GetUtcNow().ToUnixTimeSeconds()},v1={new string('a', 64)}";

    public static HttpRequestMessage Request(Stack stack, params ReadOnlySpan<(string Name, string Value)> headers) =>
        Http.Request(HttpMethod.Post, "/webhooks/stripe", headers)
            .With("Stripe-Signature", Signature(stack))
            .With(new StringContent("{}", new System.Net.Http.Headers.MediaTypeHeaderValue("application/json")));
}
