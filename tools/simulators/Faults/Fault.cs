using System.Text.Json.Serialization;

namespace HomeStage.Simulators.Faults;

/// <summary>What goes wrong. The first group concerns answers to HTTP requests, the last one delivered webhooks.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FaultKind>))]
internal enum FaultKind
{
    /// <summary>An error of the vendor's shape instead of the answer; with <c>performed</c>, after the request took effect.</summary>
    [JsonStringEnumMemberName("status")] Status,

    /// <summary>The safety system refuses: 400 <c>moderation_blocked</c> (OpenAI).</summary>
    [JsonStringEnumMemberName("moderation")] Moderation,

    /// <summary>No answer until the client gives up, or a normal one after <c>seconds</c>.</summary>
    [JsonStringEnumMemberName("hang")] Hang,

    /// <summary>The connection is reset before the body is read.</summary>
    [JsonStringEnumMemberName("cut_before_reading")] CutBeforeReading,

    /// <summary>The request takes effect, then the connection is reset without a byte of answer.</summary>
    [JsonStringEnumMemberName("cut_after_reading")] CutAfterReading,

    /// <summary>The request takes effect, then the connection is reset in the middle of the answer's body.</summary>
    [JsonStringEnumMemberName("cut_mid_body")] CutMidBody,

    /// <summary>A complete answer whose body is not valid JSON.</summary>
    [JsonStringEnumMemberName("malformed_body")] MalformedBody,

    /// <summary>The right answer, its body spread over <c>seconds</c>.</summary>
    [JsonStringEnumMemberName("slow_body")] SlowBody,

    /// <summary>An image of another type than was asked for and than the answer says (OpenAI).</summary>
    [JsonStringEnumMemberName("wrong_image_type")] WrongImageType,

    /// <summary>Bytes that are no image at all (OpenAI).</summary>
    [JsonStringEnumMemberName("not_an_image")] NotAnImage,

    /// <summary>A success with an empty <c>data</c> list (OpenAI).</summary>
    [JsonStringEnumMemberName("empty_data")] EmptyData,

    /// <summary>The model declines to answer, in an answer (OpenAI's chat completions).</summary>
    [JsonStringEnumMemberName("refusal")] Refusal,

    /// <summary>The answer ends at the limit of its tokens (OpenAI's chat completions).</summary>
    [JsonStringEnumMemberName("truncated_answer")] TruncatedAnswer,

    /// <summary>JSON that is not in the form that was asked for (OpenAI's chat completions).</summary>
    [JsonStringEnumMemberName("off_schema")] OffSchema,

    /// <summary>The webhook is delivered <c>times</c> more than once, at the same time.</summary>
    [JsonStringEnumMemberName("webhook_duplicate")] WebhookDuplicate,

    /// <summary>The webhook waits for <c>seconds</c>; later ones overtake it.</summary>
    [JsonStringEnumMemberName("webhook_delay")] WebhookDelay,

    /// <summary>The webhook is sent after the <c>times</c> events that follow it (or after <c>seconds</c>, if they don't come).</summary>
    [JsonStringEnumMemberName("webhook_reorder")] WebhookReorder,

    /// <summary>The webhook is never sent; the event is only in the list of events.</summary>
    [JsonStringEnumMemberName("webhook_drop")] WebhookDrop,

    /// <summary>One attempt is signed with another secret.</summary>
    [JsonStringEnumMemberName("webhook_bad_signature")] WebhookBadSignature,

    /// <summary>One attempt carries a signature that is ten minutes old.</summary>
    [JsonStringEnumMemberName("webhook_stale_signature")] WebhookStaleSignature,
}

/// <summary>A fault that waits for its moment, as written to <c>POST /control/faults</c>.</summary>
internal sealed record Fault
{
    public required FaultKind Kind { get; init; }

    /// <summary>Which requests (<c>POST /v1/refunds</c>, <c>/v1/*</c>) or event types (<c>checkout.*</c>); <c>*</c> stands for any text.</summary>
    public string Match { get; init; } = "*";

    /// <summary>How many matches it strikes.</summary>
    public int Count { get; init; } = 1;

    /// <summary>How many matches it lets pass first.</summary>
    public int Skip { get; init; }

    /// <summary>HTTP status of kind <c>status</c>; 500 unless said.</summary>
    public int Status { get; init; } = 500;

    /// <summary>The error's code, type, message and parameter in place of the vendor's usual ones for the status.</summary>
    public string? Code { get; init; }

    public string? Type { get; init; }

    public string? Message { get; init; }

    public string? Param { get; init; }

    /// <summary><c>Retry-After</c> in seconds; fractions are also given as <c>retry-after-ms</c> where the vendor does.</summary>
    public double? RetryAfter { get; init; }

    /// <summary>For kind <c>status</c>: carry the request out before answering with the error.</summary>
    public bool Performed { get; init; }

    public double? Seconds { get; init; }

    public int Times { get; init; } = 1;

    [JsonIgnore]
    public bool StrikesWebhooks => Kind >= FaultKind.WebhookDuplicate;

    [JsonIgnore]
    public bool Cuts => Kind is FaultKind.CutBeforeReading or FaultKind.CutAfterReading or FaultKind.CutMidBody;

    /// <summary>What makes no sense in it, or null.</summary>
    public string? Complaint() => this switch
    {
        { Count: < 1 } => "count must be at least 1",
        { Skip: < 0 } => "skip must not be negative",
        { Times: < 1 or > 1000 } => "times must be 1 to 1000",
        { Status: < 400 or > 599 } => "status must be 400 to 599",
        { Seconds: < 0 or > 3600 } => "seconds must be 0 to 3600",
        { RetryAfter: < 0 } => "retryAfter must not be negative",
        { Match: "" } => "match must not be empty",
        _ => null,
    };
}
