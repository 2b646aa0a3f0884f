using HomeStage.Worker.Provider;

namespace HomeStage.Worker.Tests.Provider;

/// <summary>The failure taxonomy as a table: what the provider did, and what the job is told.</summary>
public sealed class ProviderFailureTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(400, "moderation_blocked", "image_generation_user_error", "moderation_blocked", false, false, false)]
    [InlineData(400, "content_policy_violation", "invalid_request_error", "moderation_blocked", false, false, false)]
    [InlineData(400, "invalid_value", "invalid_request_error", "provider_rejected", false, false, false)]
    [InlineData(400, null, null, "provider_rejected", false, false, false)]
    [InlineData(400, "billing_hard_limit_reached", "billing_limit_user_error", "provider_quota_exhausted", true, false, true)]
    [InlineData(401, "invalid_api_key", "invalid_request_error", "provider_unauthorized", true, false, true)]
    [InlineData(403, null, "invalid_request_error", "provider_unauthorized", true, false, true)]
    [InlineData(404, "model_not_found", "invalid_request_error", "provider_misconfigured", true, false, true)]
    [InlineData(408, null, null, "provider_unavailable", true, true, false)]
    [InlineData(409, null, null, "provider_unavailable", true, true, false)]
    [InlineData(413, null, null, "provider_rejected", false, false, false)]
    [InlineData(429, "rate_limit_exceeded", "input-images", "provider_rate_limited", true, false, true)]
    [InlineData(429, "insufficient_quota", "insufficient_quota", "provider_quota_exhausted", true, false, true)]
    [InlineData(500, "server_error", "server_error", "provider_unavailable", true, true, false)]
    [InlineData(503, null, "server_error", "provider_unavailable", true, true, false)]
    [InlineData(302, null, null, "provider_malformed", true, true, false)]
    public void An_error_answer_becomes_a_failure(int status, string? code, string? type, string expected, bool retryable, bool mayHaveCost, bool pausesAll)
    {
        var failure = ProviderFailures.Of(Refusal(status, code, type), Now);

        failure.Code.ShouldBe(expected);
        (failure.Retryable, failure.MayHaveCost, failure.PausesAll).ShouldBe((retryable, mayHaveCost, pausesAll));
        (failure.RetryAfter is not null).ShouldBe(pausesAll, "whoever pauses must know for how long");
    }

    [Fact]
    public void What_was_not_sent_whole_cost_nothing()
    {
        ProviderFailures.Disconnected(sent: false).ShouldBe(new ProviderFailure("provider_unreachable", Retryable: true, MayHaveCost: false) { IsOutage = true });
        ProviderFailures.Disconnected(sent: true).ShouldBe(new ProviderFailure("provider_connection_lost", Retryable: true, MayHaveCost: true) { IsOutage = true });
        ProviderFailures.TimedOut(sent: false).MayHaveCost.ShouldBeFalse();
        ProviderFailures.TimedOut(sent: true).ShouldBe(new ProviderFailure("provider_timeout", Retryable: true, MayHaveCost: true) { IsOutage = true });
    }

    [Theory]
    [InlineData("retry-after", "7", 7)]
    [InlineData("retry-after", "1.5", 1.5)]
    [InlineData("retry-after-ms", "250", 0.25)]
    [InlineData("retry-after", "Sun, 22 Nov 2026 12:01:30 GMT", 90)]
    [InlineData("retry-after", "Sun, 22 Nov 2026 11:00:00 GMT", 0.1)]
    [InlineData("retry-after", "999999999", 900)]
    [InlineData("retry-after", "0", 0.1)]
    [InlineData("retry-after", "soon", 20)]
    [InlineData("x-other", "1", 20)]
    public void A_rate_limit_is_waited_out_as_long_as_it_says(string header, string value, double seconds) =>
        ProviderFailures.Of(Refusal(429, "rate_limit_exceeded", null, (header, value)), Now).RetryAfter.ShouldBe(TimeSpan.FromSeconds(seconds));

    [Fact]
    public void Without_retry_after_the_limits_that_are_used_up_say_how_long()
    {
        var refusal = Refusal(
            429, "rate_limit_exceeded", null,
            ("x-ratelimit-remaining-requests", "5"), ("x-ratelimit-reset-requests", "10m"),
            ("x-ratelimit-remaining-images", "0"), ("x-ratelimit-reset-images", "12s"),
            ("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "7.66s"));

        ProviderFailures.Of(refusal, Now).RetryAfter.ShouldBe(TimeSpan.FromSeconds(12));
    }

    [Fact]
    public void An_exhausted_quota_is_waited_out_for_minutes_or_longer_if_said()
    {
        ProviderFailures.Of(Refusal(429, "insufficient_quota", null, ("retry-after", "1")), Now).RetryAfter.ShouldBe(TimeSpan.FromMinutes(5));
        ProviderFailures.Of(Refusal(429, "insufficient_quota", null, ("retry-after", "600")), Now).RetryAfter.ShouldBe(TimeSpan.FromMinutes(10));
    }

    [Theory]
    [InlineData("12ms", 0.012)]
    [InlineData("7.66s", 7.66)]
    [InlineData("6m0s", 360.0)]
    [InlineData("1h2m", 900.0)]
    [InlineData("30", 30.0)]
    [InlineData("", null)]
    [InlineData("never", null)]
    [InlineData(null, null)]
    public void Durations_are_read_as_the_provider_spells_them(string? text, double? seconds) =>
        RetryHints.Duration(text).ShouldBe(seconds is { } expected ? TimeSpan.FromSeconds(expected) : null);

    [Theory]
    [InlineData("")]
    [InlineData("{\"data\":[{\"b64_json\":\"AAAA")]
    [InlineData("[]")]
    [InlineData("{\"data\":{}}")]
    [InlineData("<html>")]
    public void A_body_that_makes_no_sense_is_no_answer(string body) =>
        ProviderAnswer.Read(BinaryData.FromString(body), 1).ShouldBeNull();

    [Fact]
    public void Pictures_that_are_no_base64_are_left_out_and_no_more_are_taken_than_asked_for()
    {
        var body = BinaryData.FromString("""{"data":[{"b64_json":"***"},{"url":"x"},{"b64_json":"AQ=="},{"b64_json":"Ag=="},{"b64_json":"Aw=="}],"usage":{"input_tokens":"many"}}""");

        var answer = ProviderAnswer.Read(body, 2).ShouldNotBeNull();

        answer.Pictures.ShouldBe([[1], [2]]);
        answer.InputTokens.ShouldBeNull();
    }

    [Theory]
    [InlineData("{\"error\":{\"code\":\"a\",\"type\":\"b\"}}", "a", "b")]
    [InlineData("{\"error\":{\"code\":null,\"type\":7}}", null, null)]
    [InlineData("{\"error\":\"text\"}", null, null)]
    [InlineData("Bad gateway", null, null)]
    public void An_error_body_gives_its_code_and_type_or_nothing(string body, string? code, string? type) =>
        ProviderAnswer.ReadError(BinaryData.FromString(body)).ShouldBe((code, type));

    private static ProviderRefusal Refusal(int status, string? code, string? type, params (string Name, string Value)[] headers) =>
        new(status, code, type, name => headers.Where(header => header.Name == name).Select(header => header.Value).FirstOrDefault());
}
