using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using HomeStage.Tool.Deployments;
using HomeStage.Tool.Servers;
using HomeStage.Tool.Up;
using Npgsql;
using Spectre.Console;

namespace HomeStage.Tool.Bench;

/// <summary>
/// Signed <c>checkout.session.completed</c> events, each of which pays an order of its own: at billing in a closed loop, against
/// <see cref="BareWebhook"/> on the same database; and through the gateway at 200 a second. Accepting is measured with the broker away, when
/// the messages that follow wait in the outbox; beside it stands what remains when they are sent at the same time. What can be accepted is
/// asked by as many clients as keep the cores busy at both; fewer, who mostly wait for the disk, are measured beside it.
/// </summary>
internal static class WebhookBench
{
    private const int Few = 16;
    private const int Many = 64;
    private const double Rate = 200;
    private const long Price = 2_500;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(30);

    public static async Task<IReadOnlyList<Figure>> RunAsync(Stack stack, DataFolder data, TimeSpan length, IAnsiConsole console, CancellationToken cancel)
    {
        var billing = stack.Deployment.Services.Single(process => process.Name == "billing");
        var secret = billing.Settings["STRIPE_WEBHOOK_SECRET"];
        var orders = new Orders(stack.Servers.Facts.Postgres!.AdminConnection("billing"));
        var template = await TemplateAsync(cancel);
        using var direct = new HttpClient(new InternalToken(data, "gateway", "billing")) { BaseAddress = new Uri(billing.Settings["HTTP_URL"]) };
        using var outside = new HttpClient { BaseAddress = new Uri(stack.Deployment.PublicUrl) };

        // The gateway needs it to start. What grants the credits is measured elsewhere, and would not share these cores.
        await stack.Processes.Single(process => process.Plan.Program == "entitlements").StopAsync();
        console.WriteLine("The bare endpoint…");
        var bare = await BareAsync(stack, data, secret, template, length, cancel);
        console.WriteLine("Billing…");
        await orders.PlaceAsync((int)(3 * bare.Many.PerSecond * (length + WarmUp).TotalSeconds), cancel);
        Task<LoadResult> ClosedAsync(int clients) => Load.ClosedAsync(clients, WarmUp, length, (_, stop) => DeliverAsync(direct, template, orders.Next(), secret, stop), cancel);
        var sending = await ClosedAsync(Many);
        console.WriteLine("Billing, with the broker away…");
        await stack.Servers.RabbitMq!.KillAsync();
        var few = await ClosedAsync(Few);
        var many = await ClosedAsync(Many);
        console.WriteLine("Sending what waits…");
        var (waiting, drained) = await DrainAsync(stack, orders, cancel);
        console.WriteLine($"The gateway, {Rate} a second…");
        await orders.PlaceAsync((int)(Rate * (length + WarmUp).TotalSeconds), cancel);
        var steady = await Load.OpenAsync(Rate, WarmUp, length, stop => DeliverAsync(outside, template, orders.Next(), secret, stop), cancel);
        foreach (var result in (LoadResult[])[bare.Few, bare.Many])
            result.RequireAll("the bare endpoint");
        foreach (var result in (LoadResult[])[few, many, sending])
            result.RequireAll("billing");
        steady.RequireAll("the gateway");
        return
        [
            new($"{Many} clients: verify and insert, nothing else", bare.Many.PerSecond, "/s"),
            new($"{Many} clients: webhooks that pay an order", many.PerSecond, "/s"),
            new($"{Many} clients: webhooks against verify and insert", many.PerSecond / bare.Many.PerSecond, "", 0.5),
            new($"{Few} clients: verify and insert, nothing else", bare.Few.PerSecond, "/s"),
            new($"{Few} clients: webhooks that pay an order", few.PerSecond, "/s"),
            new($"{Few} clients: webhooks against verify and insert", few.PerSecond / bare.Few.PerSecond, ""),
            new("webhooks while their messages are sent", sending.PerSecond, "/s"),
            new("messages sent by themselves, afterwards", waiting / drained.TotalSeconds, "/s"),
            new("p50 at 200/s through the gateway", steady.P50.TotalMilliseconds, " ms"),
            new("p99 at 200/s through the gateway", steady.P99.TotalMilliseconds, " ms", AtMost: 200),
            new("orders left unpaid by an event", await orders.UnpaidAsync(cancel), "", AtMost: 0),
        ];
    }

    private static async Task<(LoadResult Few, LoadResult Many)> BareAsync(Stack stack, DataFolder data, string secret, JsonNode template, TimeSpan length, CancellationToken cancel)
    {
        var url = $"http://127.0.0.1:{FreePorts.Next()}";
        var process = await BareServer.StartAsync(
            BareWebhook.Command, data,
            (BareWebhook.UrlSetting, url), (BareWebhook.DatabaseSetting, stack.Servers.Facts.Postgres!.AdminConnection("billing")), (BareWebhook.SecretSetting, secret));
        try
        {
            using var client = new HttpClient { BaseAddress = new Uri(url) };
            await Answers.UntilOkAsync(new Uri(client.BaseAddress, "health"), cancel);
            Task<LoadResult> ClosedAsync(int clients) => Load.ClosedAsync(clients, WarmUp, length, (_, stop) => DeliverAsync(client, template, Guid.CreateVersion7(), secret, stop), cancel);
            return (await ClosedAsync(Few), await ClosedAsync(Many));
        }
        finally
        {
            await process.StopAsync();
        }
    }

    /// <summary>How many messages waited when the broker was back, and how long sending all of them took.</summary>
    private static async Task<(long Waiting, TimeSpan Took)> DrainAsync(Stack stack, Orders orders, CancellationToken cancel)
    {
        await stack.Servers.RabbitMq!.StartAgainAsync(cancel);
        var waiting = await orders.UnsentAsync(cancel);
        // Counted from the first that goes: the connection comes back with a delay of its own.
        while (await orders.UnsentAsync(cancel) >= waiting)
            await Task.Delay(50, cancel);
        var began = TimeProvider.System.GetTimestamp();
        while (await orders.UnsentAsync(cancel) > 0)
            await Task.Delay(50, cancel);
        return (waiting, TimeProvider.System.GetElapsedTime(began));
    }

    private static async Task DeliverAsync(HttpClient client, JsonNode template, Guid order, string secret, CancellationToken cancel)
    {
        var payload = Payload(template, order);
        var at = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), (byte[])[.. Encoding.ASCII.GetBytes(at + "."), .. payload]);
        using var request = new HttpRequestMessage(HttpMethod.Post, "webhooks/stripe") { Content = new ByteArrayContent(payload) };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.Add("Stripe-Signature", $"t={at},v1={Convert.ToHexStringLower(signature)}");
        using var answer = await client.SendAsync(request, cancel);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>An event with a whole session, as large as Stripe's own.</summary>
    private static byte[] Payload(JsonNode template, Guid order)
    {
        var happened = template.DeepClone();
        happened["id"] = $"evt_bench_{order:N}";
        var session = happened["data"]!["object"]!;
        session["id"] = $"cs_test_{order:N}";
        session["client_reference_id"] = order.ToString();
        session["metadata"] = new JsonObject { ["order_id"] = order.ToString() };
        session["payment_intent"] = $"pi_{order:N}";
        return Encoding.UTF8.GetBytes(happened.ToJsonString());
    }

    private static async Task<JsonNode> TemplateAsync(CancellationToken cancel)
    {
        var text = await File.ReadAllTextAsync(Path.Combine(SourceTree.Root, "tools", "simulators", "Stripe", "Fixtures", "checkout.session.json"), cancel);
        var session = JsonNode.Parse(text)!;
        session["object"] = "checkout.session";
        session["payment_status"] = "paid";
        session["status"] = "complete";
        session["amount_total"] = Price;
        session["currency"] = "usd";
        return new JsonObject
        {
            ["object"] = "event",
            ["type"] = "checkout.session.completed",
            ["api_version"] = "2026-07-29",
            ["created"] = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds(),
            ["livemode"] = false,
            ["pending_webhooks"] = 1,
            ["data"] = new JsonObject { ["object"] = session },
        };
    }

    /// <summary>Pending orders, placed in the database beforehand, each to be paid by one event.</summary>
    private sealed class Orders(string connection)
    {
        private readonly System.Collections.Concurrent.ConcurrentQueue<Guid> _pending = new();

        public Guid Next() => _pending.TryDequeue(out var order) ? order : throw new ToolException("The benchmark ran out of orders: run it with fewer --seconds.");

        public async Task PlaceAsync(int count, CancellationToken cancel)
        {
            Guid[] ids = [.. Enumerable.Range(0, count).Select(_ => Guid.CreateVersion7())];
            await using var source = NpgsqlDataSource.Create(connection);
            await using var command = source.CreateCommand($"insert into orders (id, account_id, plan, plan_name, credits, duration_days, amount, currency, created_at, session_id, session_url) select id, gen_random_uuid(), 'value', 'Value', 20, 365, {Price}, 'usd', now(), 'cs_test_' || replace(id::text, '-', ''), 'https://checkout.invalid' from unnest($1) id");
            command.Parameters.AddWithValue(ids);
            await command.ExecuteNonQueryAsync(cancel);
            foreach (var id in ids)
                _pending.Enqueue(id);
        }

        public Task<long> UnpaidAsync(CancellationToken cancel) =>
            CountAsync("select count(*) from stripe_events e left join orders o on o.id = e.order_id where o.paid_at is null", cancel);

        public Task<long> UnsentAsync(CancellationToken cancel) => CountAsync("select count(*) from outbox", cancel);

        private async Task<long> CountAsync(string sql, CancellationToken cancel)
        {
            await using var source = NpgsqlDataSource.Create(connection);
            await using var command = source.CreateCommand(sql);
            return (long)(await command.ExecuteScalarAsync(cancel))!;
        }
    }
}
