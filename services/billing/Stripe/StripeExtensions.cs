using System.Net.Http.Headers;
using HomeStage.Hosting;
using HomeStage.Hosting.Configuration;

namespace HomeStage.Billing.Stripe;

/// <summary>The connection to Stripe.</summary>
internal static class StripeExtensions
{
    private static readonly string[] KeyPrefixes = ["sk_test_", "rk_test_", "sk_live_", "rk_live_"];

    /// <summary>Adds <see cref="IStripe"/>; reads <c>STRIPE_SECRET_KEY</c>, <c>STRIPE_API_URL</c> and <c>STRIPE_WEBHOOK_SECRET</c>.</summary>
    internal static void AddStripe(this ServiceBuilder service)
    {
        var stripe = Read(service.Settings);
        service.Services.AddSingleton(stripe);
        service.Services.AddTransient<IStripe, StripeClient>();
        service.Services.AddHttpClient<StripeTransport>(nameof(IStripe), client =>
            {
                client.BaseAddress = stripe.ApiUrl;
                client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", stripe.SecretKey);
                client.DefaultRequestHeaders.Add("Stripe-Version", StripeSettings.ApiVersion);
                client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("HomeStage", "1.0"));
                // The client's own limits hold for one try and for all of them together.
                client.Timeout = Timeout.InfiniteTimeSpan;
            })
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
            // Singletons keep their client, whose connections are renewed all the same.
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            // What is worth a line, the client itself logs.
            .RemoveAllLoggers();
    }

    private static StripeSettings Read(Settings settings)
    {
        var key = settings.Secret("STRIPE_SECRET_KEY", "the secret or restricted API key of the Stripe account, sk_… or rk_…", minimumLength: 16);
        if (!KeyPrefixes.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal)))
            settings.Refuse("STRIPE_SECRET_KEY", "must begin with sk_test_, rk_test_, sk_live_ or rk_live_ (a publishable key pk_… cannot do it)");
        var secrets = settings.Secret("STRIPE_WEBHOOK_SECRET", "the signing secret of the webhook endpoint, whsec_…; several separated by commas", minimumLength: 16)
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (secrets.Length == 0 || secrets.Any(secret => secret.Length < 16 || !secret.StartsWith("whsec_", StringComparison.Ordinal)))
            settings.Refuse("STRIPE_WEBHOOK_SECRET", "must be signing secrets that begin with whsec_, separated by commas");
        var stripe = new StripeSettings(key, settings.Url("STRIPE_API_URL", "Stripe's API", "https://api.stripe.com"), secrets);
        // A signing secret does not tell its mode, so only the addresses can be held against a live key.
        if (stripe.Livemode && stripe.ApiUrl.Scheme != Uri.UriSchemeHttps)
            settings.Refuse("STRIPE_API_URL", "must be https with a live key");
        if (stripe.Livemode && settings.Url("PUBLIC_URL", "the address that customers see").Scheme != Uri.UriSchemeHttps)
            settings.Refuse("PUBLIC_URL", "must be https with a live Stripe key");
        return stripe;
    }
}
