namespace HomeStage.Billing.Stripe;

/// <summary>The account at Stripe that is spoken with.</summary>
/// <param name="SecretKey"><c>sk_…</c> or a restricted key <c>rk_…</c>.</param>
/// <param name="ApiUrl">Stripe's API.</param>
/// <param name="WebhookSecrets">Any of them may have signed a webhook: two while one is being rolled.</param>
internal sealed record StripeSettings(string SecretKey, Uri ApiUrl, IReadOnlyList<string> WebhookSecrets)
{
    /// <summary>The version that requests are pinned to. Webhook endpoints should have the same.</summary>
    internal const string ApiVersion = "2026-07-29.dahlia";

    private const string Domain = "stripe.com";

    /// <summary>Whether real money moves; events of the other mode are not for us.</summary>
    internal bool Livemode => SecretKey.StartsWith("sk_live_", StringComparison.Ordinal) || SecretKey.StartsWith("rk_live_", StringComparison.Ordinal);

    /// <summary>
    /// Whether customers may be sent to a page that Stripe named: one of Stripe's own over https, or of whatever stands in for Stripe on this
    /// machine.
    /// </summary>
    /// <param name="page">The page's address.</param>
    internal bool IsOwnPage(Uri page)
    {
        if (page.UserInfo.Length > 0)
            return false;
        if (page.Scheme == Uri.UriSchemeHttps && page.IsDefaultPort && (page.Host == Domain || page.Host.EndsWith("." + Domain, StringComparison.Ordinal)))
            return true;
        return !Livemode && ApiUrl.Scheme == Uri.UriSchemeHttp && page.Scheme == Uri.UriSchemeHttp && (page.IsLoopback || page.Host == ApiUrl.Host);
    }

    /// <summary>The secrets must not show in a log by accident.</summary>
    public override string ToString() => $"Stripe at {ApiUrl}";
}
