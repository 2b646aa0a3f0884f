using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HomeStage.Staging.WebhookEndpoints;

/// <summary>What a webhook endpoint is to be.</summary>
internal sealed record WebhookEndpointForm
{
    private const int LongestDescription = 200;

    /// <summary>Where to: https, port 443 or 8443, on the public internet. Redirects are not followed.</summary>
    [Required]
    public string? Url { get; init; }

    /// <summary>What it is told: some of <c>GET /api/v1/webhook-endpoints/event-types</c>.</summary>
    [Required]
    public IReadOnlyList<string>? EventTypes { get; init; }

    /// <summary>What its owner calls it, of at most 200 characters.</summary>
    public string? Description { get; init; }

    /// <summary>Whether it is told anything; yes unless said. Events of the time in which it is not are not kept for it.</summary>
    public bool? Enabled { get; init; }

    /// <summary>The form in a body.</summary>
    /// <exception cref="ProblemException">It is no such form.</exception>
    internal static WebhookEndpointForm Parse(ReadOnlySpan<byte> body)
    {
        try
        {
            if (JsonSerializer.Deserialize<WebhookEndpointForm>(body, Strict) is { } form)
                return form;
        }
        catch (JsonException)
        {
            // Answered below.
        }

        throw new ProblemException(Problem.Invalid("body", "Send a JSON object such as {\"url\":\"https://hooks.example.com/homestage\",\"eventTypes\":[\"staging.succeeded\"]}."));
    }

    /// <summary>Why it cannot be carried out; null if it can.</summary>
    /// <param name="whole">Whether it must say everything that an endpoint needs.</param>
    internal ProblemHttpResult? Refusal(bool whole)
    {
        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        if (whole && Url is null)
            errors["url"] = ["Say where to."];
        if (EventTypes is { Count: 0 } || (whole && EventTypes is null) || EventTypes?.Distinct(StringComparer.Ordinal).Count() < EventTypes?.Count)
            errors["eventTypes"] = ["Name one event type at least, each once."];
        if (Description is { } text && (text.Length > LongestDescription || text.Any(char.IsControl)))
            errors["description"] = [$"Use at most {LongestDescription} characters, without line breaks."];
        if (errors.Count > 0)
            return Problem.Invalid(errors);
        var unknown = EventTypes?.Except(WebhookEventTypes.Names, StringComparer.Ordinal).ToArray() ?? [];
        return unknown.Length == 0
            ? null
            : Problem.Result(ProblemCode.UnknownEventType, "Name event types that there are.", ("unknown", unknown), ("supported", WebhookEventTypes.Names.ToArray()));
    }

    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web)
    {
        AllowDuplicateProperties = false,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.Strict,
    };
}

/// <summary>Which failed deliveries are to be sent again.</summary>
internal sealed record ReplayFailedForm
{
    /// <summary>Those created from then on.</summary>
    [Required]
    public DateTimeOffset? Since { get; init; }
}
