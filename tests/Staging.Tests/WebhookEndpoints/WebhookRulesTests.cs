using System.Net;
using HomeStage.Staging.WebhookEndpoints;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.WebhookEndpoints;

public sealed class WebhookRulesTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_delivery_is_tried_nine_times_over_two_days_and_a_half()
    {
        var (at, attempts) = (Now, 0);
        WebhookDecision decision;
        do
        {
            decision = WebhookRules.Decide(++attempts, Now, new WebhookOutcome(500), at, jitter: 0.5);
            at = decision.NextAttemptAt ?? at;
        }
        while (decision.Status == WebhookDeliveryStatus.Pending);

        (attempts, decision.Status, decision.NextAttemptAt).ShouldBe((9, WebhookDeliveryStatus.Failed, null));
        (at - Now).ShouldBe(new TimeSpan(55, 35, 5));
    }

    [Theory]
    [InlineData(0, 4.5)]
    [InlineData(1, 5.5)]
    public void Waits_vary_by_a_tenth(double jitter, double seconds) =>
        WebhookRules.Decide(1, null, new WebhookOutcome(null), Now, jitter).NextAttemptAt.ShouldBe(Now.AddSeconds(seconds));

    [Theory]
    [InlineData(1, 5)]
    [InlineData(60, 60)]
    [InlineData(1_000_000, 86_400)]
    [InlineData(-60, 5)]
    public void Retry_After_lengthens_a_wait_up_to_a_day_and_never_shortens_it(int asked, int seconds) =>
        WebhookRules.Decide(1, null, new WebhookOutcome(429, TimeSpan.FromSeconds(asked)), Now, 0.5).NextAttemptAt.ShouldBe(Now.AddSeconds(seconds));

    [Theory]
    [InlineData(200, WebhookDeliveryStatus.Succeeded, null)]
    [InlineData(299, WebhookDeliveryStatus.Succeeded, null)]
    [InlineData(301, WebhookDeliveryStatus.Pending, null)]
    [InlineData(404, WebhookDeliveryStatus.Pending, null)]
    [InlineData(410, WebhookDeliveryStatus.Failed, WebhookDisabled.Gone)]
    [InlineData(null, WebhookDeliveryStatus.Pending, null)]
    public void Only_2xx_is_success_and_410_is_the_end(int? status, string expected, string? disabled)
    {
        var decision = WebhookRules.Decide(1, Now.AddDays(-4), new WebhookOutcome(status), Now, 0.5);
        (decision.Status, decision.Disable).ShouldBe((expected, disabled));
    }

    [Fact]
    public void Five_days_without_success_disable_and_one_success_forgets_them()
    {
        WebhookRules.Decide(1, Now.AddDays(-5), new WebhookOutcome(500), Now, 0.5).Disable.ShouldBe(WebhookDisabled.Failing);
        WebhookRules.Decide(1, Now.AddDays(-5).AddSeconds(1), new WebhookOutcome(500), Now, 0.5).Disable.ShouldBeNull();
        WebhookRules.Decide(1, Now.AddDays(-5), new WebhookOutcome(204), Now, 0.5).ShouldBe(new WebhookDecision(WebhookDeliveryStatus.Succeeded, null, null));
    }

    [Fact]
    public void The_end_of_a_listing_is_told_with_its_counts()
    {
        const string ended = """{"listingId":"019aac12-61d0-7ab4-8f0c-3f9d2f7b5e10","status":"partial","at":"2026-03-01T12:00:00+00:00","counts":{"succeeded":1,"failed":1},"pictures":1}""";

        var message = WebhookEventTypes.MessageOf(null, "listing_ended", ended)!;

        message.Payload.ShouldBe(
            """{"type":"listing.finished","timestamp":"2026-03-01T12:00:00Z","data":{"listingId":"019aac12-61d0-7ab4-8f0c-3f9d2f7b5e10","status":"partial","counts":{"succeeded":1,"failed":1},"pictures":1,"url":"/api/v1/listings/019aac12-61d0-7ab4-8f0c-3f9d2f7b5e10"}}""");
        WebhookEventTypes.MessageOf(null, "progress", "{}").ShouldBeNull();
    }

    [Fact]
    public void Only_addresses_of_the_public_internet_are_public()
    {
        string[] refused =
        [
            "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1",
            "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16",
            "::", "::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:a00:1::1", "3fff::1", "5f00::1",
            "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
        ];
        string[] allowed = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.169.0.1", "223.255.255.255", "::ffff:8.8.8.8", "2001:4860:4860::8888", "2606:4700::1111", "2a00:1450::1"];

        refused.Where(address => WebhookTargets.IsPublic(IPAddress.Parse(address))).ShouldBeEmpty();
        allowed.Where(address => !WebhookTargets.IsPublic(IPAddress.Parse(address))).ShouldBeEmpty();
    }
}
