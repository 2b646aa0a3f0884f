using HomeStage.Simulators.Tests.Infrastructure;

namespace HomeStage.Simulators.Tests.Stripe;

public sealed class StateFileTests : IDisposable
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"homestage-{Guid.NewGuid():N}", "stripe.jsonl");

    [Fact]
    public async Task Restart_keeps_what_happened_and_delivers_what_was_not()
    {
        string intent;
        await using (var peer = await StripePeer.Start(Loopback.FreeUrl(), _file))
            intent = await OfficialClientTests.Paid(peer);
        await using var receiver = await WebhookReceiver.Start();
        await using var again = await StripePeer.Start(receiver.Url, _file);

        await receiver.WaitFor("charge.updated");

        (await again.Get($"/v1/payment_intents/{intent}"))["status"]!.GetValue<string>().ShouldBe("succeeded");
        receiver.Types.ShouldBe(["payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed", "charge.updated"]);
    }

    [Fact]
    public async Task Torn_last_line_is_no_change()
    {
        await using (var peer = await StripePeer.Start(dataFile: _file))
        {
            await peer.CreateSession();
            await OfficialClientTests.Paid(peer);
        }
        var lines = await File.ReadAllLinesAsync(_file, TestContext.Current.CancellationToken);
        lines[^1] = lines[^1][..(lines[^1].Length / 2)];
        await File.WriteAllTextAsync(_file, string.Join('\n', lines), TestContext.Current.CancellationToken);

        await using var again = await StripePeer.Start(dataFile: _file);

        (await again.Get("/v1/checkout/sessions"))["data"]!.AsArray().Select(session => session!["status"]!.GetValue<string>()).ShouldBe(["open", "open"]);
        (await again.EventTypes()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Idempotency_keys_outlive_a_restart()
    {
        string first;
        await using (var peer = await StripePeer.Start(dataFile: _file))
            first = await Product(peer);

        await using var again = await StripePeer.Start(dataFile: _file);

        (await Product(again)).ShouldBe(first);

        static async Task<string> Product(StripePeer peer)
        {
            using var answer = await peer.Send("/v1/products", "key-1", ("name", "Value pack"));
            return await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        }
    }

    public void Dispose()
    {
        if (Directory.Exists(Path.GetDirectoryName(_file)))
            Directory.Delete(Path.GetDirectoryName(_file)!, recursive: true);
    }
}
