using System.Text;
using HomeStage.Billing.Stripe;
using HomeStage.Billing.Tests.Support;

namespace HomeStage.Billing.Tests.Stripe;

public sealed class WebhookSignatureTests
{
    private const string Secret = "whsec_rightrightrightright01";

    // Made by webhooks.generateTestHeaderString of Stripe's npm package 23.1.0.
    private const string VendorHeader = "t=1750000000,v1=59d0398c5a06fda5d0435f574c1ee756d2809fa40be40f994b6f2385e8dd74cc";
    private static readonly byte[] VendorPayload = Encoding.UTF8.GetBytes("""{"id":"evt_1","text":"Zoë  paid – €25\n","list":[ 1,2 ]}""");
    private static readonly DateTimeOffset SignedAt = DateTimeOffset.FromUnixTimeSeconds(1_750_000_000);

    [Fact]
    public void Signature_of_the_vendors_own_library_is_accepted() =>
        Refuse(VendorPayload, VendorHeader).ShouldBeNull();

    [Fact]
    public void Every_flipped_bit_of_the_payload_is_refused()
    {
        for (var bit = 0; bit < VendorPayload.Length * 8; bit++)
            Refuse(Flip(VendorPayload, bit), VendorHeader).ShouldBe("signature_mismatch", $"bit {bit}");
    }

    [Fact]
    public void Every_flipped_bit_of_the_header_is_refused()
    {
        var header = Encoding.Latin1.GetBytes(VendorHeader);
        for (var bit = 0; bit < header.Length * 8; bit++)
            Refuse(VendorPayload, Encoding.Latin1.GetString(Flip(header, bit))).ShouldNotBeNull($"bit {bit}");
    }

    [Fact]
    public void Any_of_several_secrets_may_have_signed() =>
        WebhookSignature.Refuse(VendorPayload, VendorHeader, ["whsec_another", Secret], SignedAt).ShouldBeNull();

    [Fact]
    public void One_right_signature_among_several_suffices()
    {
        var (time, right) = (VendorHeader.Split(',')[0], VendorHeader.Split(',')[1]);
        Refuse(VendorPayload, $"{time},v1={new string('0', 64)},{right},v0=old").ShouldBeNull();
        Refuse(VendorPayload, $"{right},{time}").ShouldBeNull();
    }

    [Theory]
    [InlineData(null, "signature_missing")]
    [InlineData("", "signature_missing")]
    [InlineData("nonsense", "signature_malformed")]
    [InlineData("t=1750000000", "signature_malformed")]
    [InlineData("t=1750000000,v0=59d0398c5a06fda5d0435f574c1ee756d2809fa40be40f994b6f2385e8dd74cc", "signature_malformed")]
    [InlineData("v1=59d0398c5a06fda5d0435f574c1ee756d2809fa40be40f994b6f2385e8dd74cc", "signature_malformed")]
    [InlineData("t=,v1=59d0398c5a06fda5d0435f574c1ee756d2809fa40be40f994b6f2385e8dd74cc", "signature_malformed")]
    [InlineData("t=99999999999999999999,v1=59d0398c5a06fda5d0435f574c1ee756d2809fa40be40f994b6f2385e8dd74cc", "signature_malformed")]
    [InlineData("t=1750000000,v1=", "signature_mismatch")]
    [InlineData("t=1750000000,v1=59D0398C5A06FDA5D0435F574C1EE756D2809FA40BE40F994B6F2385E8DD74CC", "signature_mismatch")]
    public void Anything_else_is_refused_with_its_reason(string? header, string reason) =>
        Refuse(VendorPayload, header).ShouldBe(reason);

    [Theory]
    [InlineData(299, null)]
    [InlineData(300, null)]
    [InlineData(301, "signature_too_old")]
    [InlineData(-300, null)]
    [InlineData(-301, "signature_in_the_future")]
    public void Time_of_signing_is_at_most_300_seconds_away(int age, string? reason) =>
        WebhookSignature.Refuse(VendorPayload, VendorHeader, [Secret], SignedAt.AddSeconds(age)).ShouldBe(reason);

    [Fact]
    public void Empty_payload_can_be_signed_too() =>
        WebhookSignature.Refuse([], BillingApp.Sign([], Secret, SignedAt), [Secret], SignedAt).ShouldBeNull();

    private static string? Refuse(byte[] payload, string? header) => WebhookSignature.Refuse(payload, header, [Secret], SignedAt);

    private static byte[] Flip(byte[] bytes, int bit)
    {
        byte[] flipped = [.. bytes];
        flipped[bit / 8] ^= (byte)(1 << (bit % 8));
        return flipped;
    }
}
