using HomeStage.Gateway.Webhooks;

namespace HomeStage.Gateway.Tests.Webhooks;

public sealed class SignatureShapeTests
{
    private const string Hex = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);

    [Theory]
    [InlineData("t=1800000000,v1=" + Hex)]
    [InlineData("t=1799999700,v1=" + Hex)]
    [InlineData("t=1800000300,v1=" + Hex)]
    [InlineData("v1=" + Hex + ",t=1800000000")]
    [InlineData("t=1800000000,v1=" + Hex + ",v1=" + Hex + ",v0=anything")]
    public void What_could_be_right_passes(string header) => SignatureShape.Refuse(header, Now).ShouldBeNull();

    [Theory]
    [InlineData("", "signature_missing")]
    [InlineData("t=1800000000", "signature_malformed")]
    [InlineData("v1=" + Hex, "signature_malformed")]
    [InlineData("t=now,v1=" + Hex, "signature_malformed")]
    [InlineData("t=-1800000000,v1=" + Hex, "signature_malformed")]
    [InlineData("t=1800000000,v1=short", "signature_malformed")]
    [InlineData("t=1800000000,v1=" + Hex + "0", "signature_malformed")]
    [InlineData("t=1800000000,v1=Z123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "signature_malformed")]
    [InlineData("t=1800000000,v0=" + Hex, "signature_malformed")]
    [InlineData("t=1799999699,v1=" + Hex, "signature_stale")]
    [InlineData("t=1800000301,v1=" + Hex, "signature_stale")]
    public void What_cannot_be_right_is_refused_with_the_reason(string header, string reason) => SignatureShape.Refuse(header, Now).ShouldBe(reason);

    [Fact]
    public void An_endless_header_is_not_looked_at() =>
        SignatureShape.Refuse("t=1800000000," + string.Concat(Enumerable.Repeat("v1=" + Hex + ",", 100)), Now).ShouldBe("signature_malformed");
}
