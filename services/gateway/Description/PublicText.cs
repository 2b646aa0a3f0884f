using System.Text.Json.Nodes;
using HomeStage.Gateway.Sessions;
using HomeStage.Hosting.Problems;

namespace HomeStage.Gateway.Description;

/// <summary>What the API document says beside its operations.</summary>
internal static class PublicText
{
    internal const string Session = "session";
    internal const string ApiKey = "apiKey";
    internal const string AccessToken = "accessToken";

    internal static readonly string[] LimitHeaders = ["RateLimit-Policy", "RateLimit"];

    private const string Overview = """
        A photo of an empty room, given back furnished.

        **Who is calling.** A browser has a session, by a cookie that `GET /api/v1/session` sets; a program sends `Authorization: Bearer` with an API key (`hs_live_…`) or an access token of the
        provider that people sign in at. With that header the cookie does not count. A credential that is no good is 401; one that cannot be checked right now is 503 `identity_unavailable`.
        A request with the cookie that changes something must come from our own page: `Origin` says so.

        **Errors** are `application/problem+json` (RFC 9457): go by `code`, which is stable; `retryable` says whether the same request may succeed later.

        **Once.** Every POST that creates something takes an `Idempotency-Key`.

        **Lists** are pages: `?limit=&cursor=`, answered `{items, nextCursor}`.

        **Limits.** Each limit holds for the caller and, again, for its address. Every answer that counts says where the tightest stands; 429 says in `Retry-After` when to try again.

        New members and new events may appear at any time: ignore what you do not know.
        """;

    private static readonly (string Name, string Text)[] Tags =
    [
        ("Stagings", "Photos in, furnished rooms out."),
        ("Listings", "Several photos of one home, furnished alike."),
        ("Events", "What happens, as it happens."),
        ("Pictures", "The files of a staging."),
        ("Disclosure", "Public pages that show a picture beside its original."),
        ("Credits", "What stagings are paid with."),
        ("Session", "Who a browser is, signing in and out."),
        ("API keys", "For programs; made and revoked by people who have signed in."),
        ("Webhook endpoints", "Where programs are told of events; see docs/webhooks.md for what they receive."),
        ("Webhooks", "What others call."),
    ];

    /// <summary>The document without its operations.</summary>
    internal static JsonObject Frame() => new()
    {
        ["openapi"] = "3.1.1",
        ["info"] = new JsonObject { ["title"] = "HomeStage", ["version"] = "1", ["description"] = Overview },
        ["servers"] = new JsonArray(new JsonObject { ["url"] = "/", ["description"] = "Where this document is." }),
        ["tags"] = new JsonArray([.. Tags.Select(tag => new JsonObject { ["name"] = tag.Name, ["description"] = tag.Text })]),
        ["paths"] = new JsonObject { ["/auth/callback/{provider}"] = Callback() },
        ["components"] = new JsonObject
        {
            ["securitySchemes"] = new JsonObject
            {
                [Session] = new JsonObject { ["type"] = "apiKey", ["in"] = "cookie", ["name"] = SessionCookie.Name, ["description"] = "A browser's session; `GET /api/v1/session` sets it." },
                [ApiKey] = new JsonObject { ["type"] = "http", ["scheme"] = "bearer", ["bearerFormat"] = "hs_live_…", ["description"] = "An API key, with the scopes that it was given." },
                [AccessToken] = new JsonObject
                {
                    ["type"] = "http",
                    ["scheme"] = "bearer",
                    ["bearerFormat"] = "JWT",
                    ["description"] = "An access token (RS256 or ES256) of the OpenID Connect provider, for the audience of this API.",
                },
                [StripeSignature] = new JsonObject { ["type"] = "apiKey", ["in"] = "header", ["name"] = "Stripe-Signature", ["description"] = "Made by Stripe with the endpoint's secret." },
            },
            ["headers"] = new JsonObject
            {
                ["RateLimit-Policy"] = Header("The tightest limit: its name, its quota, its window in seconds.", "\"api-min\";q=100;w=60"),
                ["RateLimit"] = Header("What is left of it, and in how many seconds there is more.", "\"api-min\";r=57;t=2"),
                ["Retry-After"] = Header("Seconds until it is worth trying again.", "3"),
            },
            ["responses"] = new JsonObject(),
            ["schemas"] = new JsonObject { ["Problem"] = Problem() },
        },
    };

    /// <summary>The answer that refuses a request for one of several reasons of the same status.</summary>
    internal static JsonObject Refusal(IReadOnlyList<ProblemCode> codes)
    {
        var status = codes[0].Status;
        JsonObject headers = [];
        foreach (var header in status == StatusCodes.Status429TooManyRequests ? (string[])["Retry-After", .. LimitHeaders] : [])
            headers[header] = new JsonObject { ["$ref"] = "#/components/headers/" + header };
        var response = new JsonObject
        {
            ["description"] = string.Join(". ", codes.Select(code => $"`{code.Code}`: {code.Title}")) + ".",
            ["content"] = new JsonObject
            {
                ["application/problem+json"] = new JsonObject
                {
                    ["schema"] = new JsonObject
                    {
                        ["allOf"] = new JsonArray(
                            new JsonObject { ["$ref"] = "#/components/schemas/Problem" },
                            new JsonObject
                            {
                                ["type"] = "object",
                                ["properties"] = new JsonObject
                                {
                                    ["status"] = new JsonObject { ["const"] = status },
                                    ["code"] = new JsonObject { ["enum"] = new JsonArray([.. codes.Select(code => JsonValue.Create(code.Code))]) },
                                },
                            }),
                    },
                    ["example"] = new JsonObject
                    {
                        ["type"] = "about:blank",
                        ["title"] = codes[0].Title,
                        ["status"] = status,
                        ["code"] = codes[0].Code,
                        ["retryable"] = codes[0].Retryable,
                        ["traceId"] = "4bf92f3577b34da6a3ce929d0e0e4736",
                    },
                },
            },
        };
        if (headers.Count > 0)
            response["headers"] = headers;
        return response;
    }

    /// <summary>A window of time in words.</summary>
    internal static string Words(TimeSpan window) => window.TotalHours >= 1 ? "an hour" : window.TotalMinutes >= 1 ? "a minute" : "a second";

    /// <summary>The name of the scheme that Stripe proves itself by.</summary>
    internal const string StripeSignature = "stripeSignature";

    private static JsonObject Problem() => new()
    {
        ["type"] = "object",
        ["description"] = "Why a request was refused (RFC 9457).",
        ["required"] = new JsonArray("type", "title", "status", "code", "retryable", "traceId"),
        ["properties"] = new JsonObject
        {
            ["type"] = Text("Always `about:blank`: the status and the code say it."),
            ["title"] = Text("What the code means."),
            ["status"] = Whole("The HTTP status."),
            ["detail"] = Text("What is wrong and what to do, for people."),
            ["code"] = Text("What is wrong, for programs; it never changes."),
            ["retryable"] = Flag("Whether the same request may succeed later."),
            ["traceId"] = new JsonObject { ["type"] = new JsonArray("string", "null"), ["description"] = "Tell it to support." },
            ["billed"] = Flag("Of a staging or photo: whether anything was charged."),
            ["errors"] = new JsonObject
            {
                ["type"] = "object",
                ["description"] = "The reasons by field: with `validation_failed`, `prompt_too_long`, and what is wrong with the photos of a listing.",
                ["additionalProperties"] = new JsonObject { ["type"] = "array", ["items"] = new JsonObject { ["type"] = "string" } },
            },
            ["reason"] = Text("With `image_rejected`: what is wrong with the photo, such as `too_small` or `truncated`. With `webhook_url_rejected`: what is wrong with the address, such as `not_https`."),
            ["option"] = Text("With `option_not_supported`: which option."),
            ["supported"] = new JsonObject
            {
                ["type"] = "array",
                ["items"] = new JsonObject { ["type"] = "string" },
                ["description"] = "With `option_not_supported`: what it may be; empty if the option must be left out. With `unknown_event_type`: the types that there are.",
            },
            ["unknown"] = new JsonObject
            {
                ["type"] = "array",
                ["items"] = new JsonObject { ["type"] = "string" },
                ["description"] = "With `unknown_event_type`: those that there are not.",
            },
            ["needed"] = Whole("With 402: credits that it costs."),
            ["available"] = Whole("With 402: credits that could be used for it."),
            ["freeLeft"] = Whole("With 402: free pictures that are left."),
            ["freeIfDraft"] = Flag("With 402: whether it would be free as a draft."),
            ["max"] = Whole("With `listing_too_long`: photos that a listing may have."),
            ["count"] = Whole("With `listing_too_long`: photos that it has."),
            ["maxBytes"] = Whole("With `payload_too_large`: what can be sent here."),
            ["retryAfterSeconds"] = Whole("With `rate_limited`: as `Retry-After`."),
            ["orderId"] = new JsonObject { ["type"] = "string", ["format"] = "uuid", ["description"] = "With `unavailable` of a checkout: the order that could not be paid yet." },
        },
    };

    /// <summary>Answered by the framework before any route is looked at.</summary>
    private static JsonObject Callback() => new()
    {
        ["get"] = new JsonObject
        {
            ["tags"] = new JsonArray("Session"),
            ["operationId"] = "finishSignIn",
            ["summary"] = "Where a provider sends the browser back",
            ["description"] = "Not to be called by programs. A sign-in that leads nowhere goes to `/?sign-in=failed`, `canceled` or `unavailable`.",
            ["security"] = new JsonArray(),
            ["x-limit"] = "sign-in",
            ["parameters"] = new JsonArray(
                Parameter("provider", "path", "The provider, as `GET /api/v1/session` lists them.", required: true),
                Parameter("code", "query", "What the provider gives for tokens."),
                Parameter("state", "query", "What the sign-in began with."),
                Parameter("iss", "query", "Who the provider says that it is (RFC 9207)."),
                Parameter("error", "query", "Why there is no code.")),
            ["responses"] = new JsonObject
            {
                ["302"] = new JsonObject
                {
                    ["description"] = "To the page that the sign-in began on, or to `/sign-in.html`, which asks whose the visitor's things are.",
                    ["headers"] = new JsonObject { ["Location"] = Header("A path of ours.", "/") },
                },
            },
        },
    };

    private static JsonObject Parameter(string name, string place, string text, bool required = false) => new()
    {
        ["name"] = name,
        ["in"] = place,
        ["required"] = required,
        ["description"] = text,
        ["schema"] = new JsonObject { ["type"] = "string" },
    };

    private static JsonObject Header(string text, string example) => new() { ["description"] = text, ["schema"] = new JsonObject { ["type"] = "string" }, ["example"] = example };

    private static JsonObject Text(string text) => new() { ["type"] = "string", ["description"] = text };

    private static JsonObject Whole(string text) => new() { ["type"] = "integer", ["description"] = text };

    private static JsonObject Flag(string text) => new() { ["type"] = "boolean", ["description"] = text };
}
