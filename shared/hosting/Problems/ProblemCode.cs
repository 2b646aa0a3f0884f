using Microsoft.AspNetCore.Http;

namespace HomeStage.Hosting.Problems;

/// <summary>
/// A kind of error as clients see it (RFC 9457): the stable code, its HTTP status, a title, and whether the same request
/// may succeed later.
/// </summary>
public sealed record ProblemCode(string Code, int Status, string Title, bool Retryable = false)
{
    /// <summary>The body or a parameter is not what the operation takes; <c>errors</c> says which and why.</summary>
    public static readonly ProblemCode ValidationFailed = new("validation_failed", StatusCodes.Status400BadRequest, "The request is not valid");

    /// <summary>The option exists, but the image model in use does not have it; <c>option</c> says which, <c>supported</c> what can be asked for.</summary>
    public static readonly ProblemCode OptionNotSupported = new("option_not_supported", StatusCodes.Status400BadRequest, "The image model does not have this option");

    /// <summary>The words of one's own are longer than they may be.</summary>
    public static readonly ProblemCode PromptTooLong = new("prompt_too_long", StatusCodes.Status400BadRequest, "The prompt is too long");

    /// <summary>A listing without photos.</summary>
    public static readonly ProblemCode ListingEmpty = new("listing_empty", StatusCodes.Status400BadRequest, "The listing has no photos");

    /// <summary>A listing of more photos than it may have; <c>max</c> says how many.</summary>
    public static readonly ProblemCode ListingTooLong = new("listing_too_long", StatusCodes.Status400BadRequest, "The listing has too many photos");

    /// <summary>Entries of a listing make no sense; <c>errors</c> says which and why.</summary>
    public static readonly ProblemCode ListingUnreadable = new("listing_unreadable", StatusCodes.Status400BadRequest, "A part of the listing cannot be read");

    /// <summary>A listing names a photo twice; <c>errors</c> says where.</summary>
    public static readonly ProblemCode PhotoRepeated = new("photo_repeated", StatusCodes.Status400BadRequest, "The listing has a photo twice");

    /// <summary>There is no such photo, or it is somebody else's; <c>errors</c> says which is meant.</summary>
    public static readonly ProblemCode PhotoUnknown = new("photo_unknown", StatusCodes.Status400BadRequest, "There is no such photo");

    /// <summary>Nobody is identified.</summary>
    public static readonly ProblemCode Unauthenticated = new("unauthenticated", StatusCodes.Status401Unauthorized, "Identify yourself");

    /// <summary>The caller is known and may not do this.</summary>
    public static readonly ProblemCode Forbidden = new("forbidden", StatusCodes.Status403Forbidden, "This is not allowed");

    /// <summary>An unsafe request with a cookie did not come from our own page.</summary>
    public static readonly ProblemCode CsrfRejected = new("csrf_rejected", StatusCodes.Status403Forbidden, "The request did not come from an allowed origin");

    /// <summary>The thing exists but not in this form, e.g. a clean picture of a free staging.</summary>
    public static readonly ProblemCode NotAvailable = new("not_available", StatusCodes.Status403Forbidden, "This is not available here");

    /// <summary>There is no such thing, or it is somebody else's.</summary>
    public static readonly ProblemCode NotFound = new("not_found", StatusCodes.Status404NotFound, "There is no such thing");

    /// <summary>The path exists, but not for this method.</summary>
    public static readonly ProblemCode MethodNotAllowed = new("method_not_allowed", StatusCodes.Status405MethodNotAllowed, "The method is not allowed here");

    /// <summary>The photo that is meant was there and is no longer kept.</summary>
    public static readonly ProblemCode PhotoGone = new("photo_gone", StatusCodes.Status410Gone, "The photo is no longer kept");

    /// <summary>A session was revoked, said among services. Not 401, which says that the caller's own token is not accepted, and ends nobody's session.</summary>
    public static readonly ProblemCode SessionEnded = new("session_ended", StatusCodes.Status410Gone, "The session has ended");

    /// <summary>The idempotency key was used for another request.</summary>
    public static readonly ProblemCode IdempotencyConflict = new("idempotency_conflict", StatusCodes.Status409Conflict, "The idempotency key belongs to another request");

    /// <summary>The thing is in a state that does not allow this.</summary>
    public static readonly ProblemCode Conflict = new("conflict", StatusCodes.Status409Conflict, "The state does not allow this");

    /// <summary>A published page shows what is to be deleted; whoever means it says so.</summary>
    public static readonly ProblemCode Disclosed = new("disclosed", StatusCodes.Status409Conflict, "A published page shows this");

    /// <summary>The body is larger than the route takes.</summary>
    public static readonly ProblemCode PayloadTooLarge = new("payload_too_large", StatusCodes.Status413PayloadTooLarge, "The request is too large");

    /// <summary>The body's media type is not one that the route takes.</summary>
    public static readonly ProblemCode UnsupportedMediaType = new("unsupported_media_type", StatusCodes.Status415UnsupportedMediaType, "The media type is not supported");

    /// <summary>The photo cannot be used; <c>reason</c> says why.</summary>
    public static readonly ProblemCode ImageRejected = new("image_rejected", StatusCodes.Status422UnprocessableEntity, "The photo cannot be used");

    /// <summary>Too many requests; <c>Retry-After</c> says when.</summary>
    public static readonly ProblemCode RateLimited = new("rate_limited", StatusCodes.Status429TooManyRequests, "Too many requests", Retryable: true);

    /// <summary>The balance does not suffice.</summary>
    public static readonly ProblemCode InsufficientCredits = new("insufficient_credits", StatusCodes.Status402PaymentRequired, "There are not enough credits");

    /// <summary>No free staging is left.</summary>
    public static readonly ProblemCode FreeExhausted = new("free_exhausted", StatusCodes.Status402PaymentRequired, "No free staging is left");

    /// <summary>It has still to be shown that a person asks.</summary>
    public static readonly ProblemCode ChallengeRequired = new("challenge_required", StatusCodes.Status403Forbidden, "Show that you are a person");

    /// <summary>Support blocked the address, and only the free allowance could pay.</summary>
    public static readonly ProblemCode FreeBlocked = new("free_blocked", StatusCodes.Status402PaymentRequired, "Free stagings are not available here");

    /// <summary>Support froze the account; nothing of it can be used.</summary>
    public static readonly ProblemCode AccountFrozen = new("account_frozen", StatusCodes.Status403Forbidden, "The account is on hold");

    /// <summary>The API key's own credits of the month do not suffice.</summary>
    public static readonly ProblemCode KeyCapReached = new("key_cap_reached", StatusCodes.Status402PaymentRequired, "The key's monthly credits do not suffice");

    /// <summary>The API key was revoked or has expired.</summary>
    public static readonly ProblemCode KeyEnded = new("key_ended", StatusCodes.Status403Forbidden, "The API key has ended");

    /// <summary>The webhook address is not one that is called; <c>reason</c> says why.</summary>
    public static readonly ProblemCode WebhookUrlRejected = new("webhook_url_rejected", StatusCodes.Status422UnprocessableEntity, "This address cannot be told of events");

    /// <summary>There is no such event type; <c>unknown</c> says which, <c>supported</c> what there is.</summary>
    public static readonly ProblemCode UnknownEventType = new("unknown_event_type", StatusCodes.Status400BadRequest, "There is no such event type");

    /// <summary>The account has as many webhook endpoints as it may.</summary>
    public static readonly ProblemCode WebhookLimitReached = new("webhook_limit_reached", StatusCodes.Status409Conflict, "There are too many webhook endpoints");

    /// <summary>Something unforeseen; nothing of the inside is told.</summary>
    public static readonly ProblemCode InternalError = new("internal_error", StatusCodes.Status500InternalServerError, "Something went wrong on our side", Retryable: true);

    /// <summary>A dependency is away; nothing was done.</summary>
    public static readonly ProblemCode Unavailable = new("unavailable", StatusCodes.Status503ServiceUnavailable, "The service is not available right now", Retryable: true);

    /// <summary>The storage of balances and limits is away; closed, never open.</summary>
    public static readonly ProblemCode UsageUnavailable = new("usage_unavailable", StatusCodes.Status503ServiceUnavailable, "Usage cannot be checked right now", Retryable: true);

    /// <summary>Who is calling cannot be resolved right now.</summary>
    public static readonly ProblemCode IdentityUnavailable = new("identity_unavailable", StatusCodes.Status503ServiceUnavailable, "Identity cannot be checked right now", Retryable: true);

    /// <summary>The code for a status that the framework produced by itself.</summary>
    internal static ProblemCode OfStatus(int status) => status switch
    {
        StatusCodes.Status401Unauthorized => Unauthenticated,
        StatusCodes.Status402PaymentRequired => InsufficientCredits,
        StatusCodes.Status403Forbidden => Forbidden,
        StatusCodes.Status404NotFound => NotFound,
        StatusCodes.Status405MethodNotAllowed => MethodNotAllowed,
        StatusCodes.Status413PayloadTooLarge => PayloadTooLarge,
        StatusCodes.Status415UnsupportedMediaType => UnsupportedMediaType,
        StatusCodes.Status429TooManyRequests => RateLimited,
        StatusCodes.Status503ServiceUnavailable => Unavailable,
        >= 500 => new ProblemCode("internal_error", status, InternalError.Title, Retryable: true),
        _ => new ProblemCode("validation_failed", status, ValidationFailed.Title),
    };
}
