using System.Net;
using System.Text;
using HomeStage.Gateway.Identity;

namespace HomeStage.Gateway.Tests.Identity;

public sealed class AddressHasherTests
{
    private readonly AddressHasher _hasher = new(Encoding.UTF8.GetBytes(Stack.Pepper));

    [Theory]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1", true)]
    [InlineData("::ffff:192.0.2.1", "::ffff:192.0.2.2", false)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("fe80::1%2", "fe80::1%3", true)]
    public void A_household_is_an_IPv4_address_or_an_IPv6_network_of_64_bits(string one, string other, bool same) =>
        (Hash(one) == Hash(other)).ShouldBe(same);

    [Fact]
    public void The_hash_is_HMAC_SHA_256_in_base64url()
    {
        var expected = System.Security.Cryptography.HMACSHA256.HashData(Encoding.UTF8.GetBytes(Stack.Pepper), new byte[] { 192, 0, 2, 1 });

        Hash("192.0.2.1").ShouldBe(Convert.ToBase64String(expected).TrimEnd('=').Replace('+', '-').Replace('/', '_'));
    }

    [Fact]
    public void Another_pepper_gives_another_hash() =>
        new AddressHasher(Encoding.UTF8.GetBytes("another pepper of at least 32 characters")).Hash(IPAddress.Loopback).ShouldNotBe(Hash("127.0.0.1"));

    private string Hash(string address) => _hasher.Hash(IPAddress.Parse(address));
}
