using System.Net;
using System.Net.Sockets;
using System.Text;
using HomeStage.Gateway.Webhooks;

namespace HomeStage.Gateway.Tests.Webhooks;

public sealed class WebhookDoorTests
{
    [Fact]
    public async Task The_body_reaches_billing_byte_by_byte_with_its_signature()
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();
        const string body = "{\n  \"id\": \"evt_1\",\t\"ü\": \"\\u00fc\"\r\n}";
        foreach (var chunked in (bool[])[false, true])
        {
            using var request = Hook.Request(stack).With(new StringContent(body, new System.Net.Http.Headers.MediaTypeHeaderValue("application/json", "utf-8")));
            request.Headers.TransferEncodingChunked = chunked;

            using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);

            var received = await answer.EchoAsync();
            received.Body.ShouldBe(body);
            received.Headers["stripe-signature"].ShouldBe(Hook.Signature(stack));
            received.Kind.ShouldBe("Anonymous");
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("t=1,v1=2")]
    public async Task Junk_is_refused_before_its_body_is_read_and_reaches_nobody(string? signature)
    {
        await using var stack = await Stack.StartAsync();

        // The body never comes: an answer proves that nobody waited for it.
        var answer = await Http.RawAsync(stack.Url, until: "\r\n0\r\n\r\n", request: $"""
            POST /webhooks/stripe HTTP/1.1
            Host: localhost
            Content-Type: application/json
            Content-Length: 5
            Connection: close
            {(signature is null ? "X-Nothing: 1" : "Stripe-Signature: " + signature)}


            """.ReplaceLineEndings("\r\n"));

        answer.ShouldStartWith("HTTP/1.1 400 ");
        answer.ShouldContain("signature_invalid");
        stack.Billing.Requests.ShouldBeEmpty();
        stack.Logs.Entries.Where(entry => entry.Event == "webhook_refused").ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Slow_bodies_cannot_keep_Stripe_out_and_do_not_last()
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();
        var slow = Enumerable.Range(0, WebhookSlots.Count + 20).Select(_ => new TcpClient()).ToList();
        await Task.WhenAll(slow.Select(async socket =>
        {
            await socket.ConnectAsync(stack.Url.Host, stack.Url.Port, TestContext.Current.CancellationToken);
            await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
                $"POST /webhooks/stripe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nStripe-Signature: {Hook.Signature(stack)}\r\nContent-Length: 1000\r\n\r\n{{"), TestContext.Current.CancellationToken);
        }));

        await Eventually.Async(() => stack.Logs.Entries.Any(entry => entry.Event == "webhook_refused" && entry.Fields["reason"] == "full"), "all places were taken by slow bodies");

        for (var i = 0; i < 5; i++)
        {
            using var answer = await client.SendAsync(Hook.Request(stack), TestContext.Current.CancellationToken);
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        await Eventually.Async(() => stack.Logs.Entries.Any(entry => entry.Event == "webhook_refused" && entry.Fields["reason"] == "body_late"), "a slow body is given up");
        stack.Billing.Requests.Count.ShouldBe(5);
        slow.ForEach(socket => socket.Dispose());
    }

    [Fact]
    public async Task When_all_places_are_taken_by_complete_webhooks_the_next_is_to_come_back()
    {
        var done = new TaskCompletionSource();
        await using var stack = await Stack.StartAsync(billing: async context =>
        {
            await done.Task.WaitAsync(context.RequestAborted);
            return false;
        });
        using var client = stack.Client();
        var waiting = Enumerable.Range(0, WebhookSlots.Count).Select(_ => client.SendAsync(Hook.Request(stack), TestContext.Current.CancellationToken)).ToList();
        await Eventually.Async(() => stack.Billing.Requests.Count == WebhookSlots.Count, "all are at billing");

        using (var refused = await client.SendAsync(Hook.Request(stack), TestContext.Current.CancellationToken))
        {
            await refused.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "unavailable");
            refused.Headers.RetryAfter.ShouldNotBeNull();
        }

        done.SetResult();
        foreach (var answer in await Task.WhenAll(waiting))
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var again = await client.SendAsync(Hook.Request(stack), TestContext.Current.CancellationToken);
        again.StatusCode.ShouldBe(HttpStatusCode.OK);
    }
}
