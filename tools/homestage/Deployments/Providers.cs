using HomeStage.Tool.Servers;

namespace HomeStage.Tool.Deployments;

/// <summary>Who makes pictures and who takes money: the real ones if their keys are in the environment, else the simulators.</summary>
internal sealed record Providers
{
    public required bool OpenAiIsSimulated { get; init; }

    public required bool StripeIsSimulated { get; init; }

    public required string OpenAiKey { get; init; }

    public required string StripeKey { get; init; }

    public required string StripeWebhookSecret { get; init; }

    /// <exception cref="ToolException">There is a real Stripe key, but no secret to check Stripe's webhooks with.</exception>
    public static Providers From(IReadOnlyDictionary<string, string> given, DevelopmentSeed seed)
    {
        var simulatedOpenAi = "sk-simulated-" + seed.Secret("openai");
        var simulatedStripe = "sk_test_" + Alphanumeric(seed.Secret("stripe"));
        // A program that attached itself with the data folder's env file has the simulators' keys in its environment.
        var openAi = given.GetValueOrDefault("OPENAI_API_KEY", simulatedOpenAi);
        var stripe = given.GetValueOrDefault("STRIPE_SECRET_KEY", simulatedStripe);
        var stripeIsSimulated = stripe == simulatedStripe;
        if (!stripeIsSimulated && !given.ContainsKey("STRIPE_WEBHOOK_SECRET"))
            throw new ToolException("STRIPE_SECRET_KEY is set but STRIPE_WEBHOOK_SECRET is not: without it no payment could be trusted. Set both, or none to use the simulator.");
        return new()
        {
            OpenAiIsSimulated = openAi == simulatedOpenAi,
            StripeIsSimulated = stripeIsSimulated,
            OpenAiKey = openAi,
            StripeKey = stripe,
            StripeWebhookSecret = stripeIsSimulated ? "whsec_" + Alphanumeric(seed.Secret("stripe webhook")) : given["STRIPE_WEBHOOK_SECRET"],
        };
    }

    private static string Alphanumeric(string secret) => string.Concat(secret.Where(char.IsAsciiLetterOrDigit));
}
