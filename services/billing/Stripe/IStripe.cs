using System.Text.Json.Nodes;

namespace HomeStage.Billing.Stripe;

/// <summary>What billing asks of Stripe.</summary>
internal interface IStripe
{
    /// <summary>Creates a Checkout Session, or gets the one that the same key created.</summary>
    /// <param name="parameters">Stripe's parameters; nested as in Stripe's documentation.</param>
    /// <param name="idempotencyKey">Makes repetitions harmless for a day at least; the parameters must then be the same.</param>
    /// <param name="cancellationToken">Gives up; the session may have been created.</param>
    /// <exception cref="StripeException">Stripe refused, or did not answer in time.</exception>
    Task<CheckoutSession> CreateSessionAsync(JsonObject parameters, string idempotencyKey, CancellationToken cancellationToken);
}

/// <summary>A call to Stripe did not succeed. The message is for logs, never for clients.</summary>
/// <param name="message">Stripe's type and code of error, or what happened on the way.</param>
/// <param name="retryable">Whether the same request may succeed later.</param>
/// <param name="inner">The cause.</param>
internal sealed class StripeException(string message, bool retryable, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether the same request may succeed later.</summary>
    public bool Retryable => retryable;
}
