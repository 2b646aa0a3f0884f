using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using HomeStage.Billing.Stripe;
using HomeStage.Billing.Tests.Support;
using HomeStage.Testing;
using HomeStage.Tool;
using HomeStage.Tool.Prerequisites;

namespace HomeStage.Billing.Tests.Stripe;

/// <summary>Signatures that Stripe's own npm package makes now, against our check, at the function and over HTTP.</summary>
public sealed class VendorSignatureTests(BillingFixture fixture) : IClassFixture<BillingFixture>
{
    // Letters of four alphabets, characters beyond the BMP and an escape; blanks and line ends that nobody may touch.
    private static readonly string[] Payloads =
    [
        "{}",
        $$"""{"id":"evt_vendor_{{Guid.NewGuid():N}}","type":"note.written","text":"Zoë Ω Ж 部屋 😀 \u00e9 \ud83d\ude00"}""",
        $"{{\r\n\t\"id\" :  \"evt_vendor_{Guid.NewGuid():N}\" ,\n  \"type\":\"note.written\"  }}\n\n ",
        $$"""{"id":"evt_vendor_{{Guid.NewGuid():N}}","type":"note.written","text":"{{new string('x', 20_000)}}"}""",
    ];

    [Fact]
    public async Task Vendors_signatures_are_accepted_for_299_seconds_and_every_flipped_bit_is_refused()
    {
        var now = DateTimeOffset.UtcNow;
        foreach (var (payload, header) in await SignAsync(Payloads, now))
        {
            Refuse(payload, header, now).ShouldBeNull();
            Refuse(payload, header, now.AddSeconds(299)).ShouldBeNull();
            Refuse(payload, header, now.AddSeconds(301)).ShouldBe("signature_too_old");
            // Of a long payload every bit of some bytes all over it.
            for (var at = 0; at < payload.Length; at += 1 + (payload.Length / 500))
            {
                for (var bit = 0; bit < 8; bit++)
                    Refuse(Flip(payload, at, bit), header, now).ShouldBe("signature_mismatch", $"byte {at} bit {bit}");
            }

            var letters = Encoding.Latin1.GetBytes(header);
            for (var at = 0; at < letters.Length; at++)
            {
                for (var bit = 0; bit < 8; bit++)
                    Refuse(payload, Encoding.Latin1.GetString(Flip(letters, at, bit)), now).ShouldNotBeNull($"header byte {at} bit {bit}");
            }
        }
    }

    [Fact]
    public async Task Vendors_signature_goes_through_http_and_the_bytes_are_stored_as_they_came()
    {
        // A signature is good for some minutes, and an installation may take as long.
        await NodePackages.EnsureAsync(Path.Combine(SourceTree.Root, "tests", "npm"), TestContext.Current.CancellationToken);
        foreach (var (payload, header) in (await SignAsync(Payloads, fixture.App.Time.GetUtcNow())).Skip(1))
        {
            using var answer = await fixture.App.DeliverAsync(payload, signature: header);
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
            (await fixture.App.CountAsync("select count(*) from stripe_events where payload = $1", payload)).ShouldBe(1);
            using var tampered = await fixture.App.DeliverAsync(Flip(payload, payload.Length / 2, 3), signature: header);
            tampered.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        }
    }

    private static async Task<IEnumerable<(byte[] Payload, string Header)>> SignAsync(string[] payloads, DateTimeOffset at)
    {
        var script = Path.Combine(SourceTree.Root, "tests", "npm", "stripe.mjs");
        var input = new { port = 1, apiKey = BillingApp.SecretKey, args = payloads.Select(payload => new { payload, secret = BillingApp.WebhookSecret, timestamp = at.ToUnixTimeSeconds() }) };
        var (code, output, errors) = await NodeProgram.RunAsync(script, ["sign", JsonSerializer.Serialize(input)]);
        code.ShouldBe(0, errors);
        return JsonNode.Parse(output)!.AsArray().Select((signed, index) => (Encoding.UTF8.GetBytes(payloads[index]), (string)signed!["header"]!));
    }

    private static string? Refuse(byte[] payload, string header, DateTimeOffset now) => WebhookSignature.Refuse(payload, header, [BillingApp.WebhookSecret], now);

    private static byte[] Flip(byte[] bytes, int at, int bit)
    {
        byte[] flipped = [.. bytes];
        flipped[at] ^= (byte)(1 << bit);
        return flipped;
    }
}
