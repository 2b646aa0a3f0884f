using System.Text.Json;
using System.Text.Json.Nodes;

namespace HomeStage.Billing.Stripe;

/// <summary>What billing asks of Stripe. Every call throws a <see cref="StripeException"/> where Stripe refuses or does not answer in time.</summary>
internal interface IStripe
{
    /// <summary>Creates a Checkout Session, or gets the one that the same key created.</summary>
    /// <param name="parameters">Stripe's parameters; nested as in Stripe's documentation.</param>
    /// <param name="idempotencyKey">Makes repetitions harmless for a day at least; the parameters must then be the same.</param>
    /// <param name="cancellationToken">Gives up; the session may have been created.</param>
    Task<CheckoutSession> CreateSessionAsync(JsonObject parameters, string idempotencyKey, CancellationToken cancellationToken);

    /// <summary>A Checkout Session as it is now; null if Stripe does not know it.</summary>
    Task<CheckoutSession?> FindSessionAsync(string sessionId, CancellationToken cancellationToken);

    /// <summary>The newest hundred Checkout Sessions of the customers with an e-mail address.</summary>
    Task<IReadOnlyList<CheckoutSession>> ListSessionsOfCustomerAsync(string email, CancellationToken cancellationToken);

    /// <summary>The order that a payment was made for, by its metadata or its Checkout Session; null if it names none, or Stripe does not know it.</summary>
    Task<Guid?> FindOrderIdAsync(string paymentIntentId, CancellationToken cancellationToken);

    /// <summary>A payment with all its refunds, disputes and fraud warnings as they are now; null if Stripe does not know it.</summary>
    Task<Payment?> FindPaymentAsync(string paymentIntentId, CancellationToken cancellationToken);

    /// <summary>The page on which Stripe shows a payment's receipt, asked for anew because its address expires; null if there is none.</summary>
    Task<Uri?> FindReceiptAsync(string paymentIntentId, CancellationToken cancellationToken);

    /// <summary>The payment intent of a charge, refund, dispute or early fraud warning; null if there is none.</summary>
    Task<string?> FindPaymentIdAsync(string stripeId, CancellationToken cancellationToken);

    /// <summary>Pages of events of some types, newest first. Stripe keeps them for 30 days.</summary>
    /// <param name="since">The oldest moment.</param>
    /// <param name="types">At most 20.</param>
    /// <param name="cancellationToken">Gives up.</param>
    IAsyncEnumerable<IReadOnlyList<JsonElement>> ListEventsAsync(DateTimeOffset since, IReadOnlyCollection<string> types, CancellationToken cancellationToken);
}

/// <summary>A call to Stripe did not succeed. The message is for logs, never for clients.</summary>
/// <param name="message">Stripe's type and code of error, or what happened on the way.</param>
/// <param name="retryable">Whether the same request may succeed later.</param>
/// <param name="missing">Whether Stripe says that there is no such object.</param>
/// <param name="saved">Whether Stripe may have saved the error under the request's idempotency key.</param>
/// <param name="inner">The cause.</param>
internal sealed class StripeException(string message, bool retryable, bool missing = false, bool saved = false, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether the same request may succeed later.</summary>
    public bool Retryable => retryable;

    /// <summary>Whether Stripe says that there is no such object.</summary>
    public bool Missing => missing;

    /// <summary>Whether Stripe may have saved the error, to answer it for a day to every request with the same idempotency key.</summary>
    public bool Saved => saved;
}
