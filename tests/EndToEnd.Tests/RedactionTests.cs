using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using HomeStage.Testing;

namespace HomeStage.EndToEnd.Tests;

/// <summary>Drives every route with things that nobody but the addressee may read, and looks for them in all logs.</summary>
[Collection(SharedStack.Collection)]
public sealed class RedactionTests(SharedStack shared)
{
    private const string Mark = "mArK7f3a9c";
    private const string Address = "203.0.113.211";
    private const string Email = Mark + "@person.example";

    private static readonly (string Method, string Path)[] Routes =
    [
        ("GET", "/"), ("GET", "/api/v1/session"), ("POST", "/api/v1/session"), ("GET", "/api/v1/plans"), ("GET", "/api/v1/catalog"), ("POST", "/api/v1/checkout"),
        ("GET", "/api/v1/orders"), ("GET", $"/api/v1/orders/{Mark}"), ("GET", "/api/v1/credits"), ("GET", $"/api/v1/credits/entries?cursor={Mark}"),
        ("POST", "/api/v1/photos"), ("POST", "/api/v1/stagings"), ("GET", $"/api/v1/stagings/{Mark}"), ("DELETE", $"/api/v1/stagings/{Mark}"),
        ("GET", $"/api/v1/stagings/{Mark}/images/1"), ("GET", $"/api/v1/stagings/{Mark}/original"), ("POST", $"/api/v1/stagings/{Mark}/cancel"),
        ("GET", $"/api/v1/stagings/{Mark}/events"), ("GET", $"/d/{Mark}"), ("GET", $"/d/{Mark}/images/1"), ("POST", "/webhooks/stripe"), ("GET", $"/nowhere/{Mark}"),
        ("GET", $"/api/v1/%2f{Mark}"),
    ];

    [Fact]
    public async Task Nothing_that_a_client_sends_in_confidence_is_in_any_log()
    {
        var stack = shared.Stack;
        using var client = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = stack.PublicUrl };
        using var visitor = await Visitor.ArriveAsync(stack);
        using var first = await client.GetAsync(new Uri("/api/v1/session", UriKind.Relative), TestContext.Current.CancellationToken);
        var cookie = first.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        var origin = stack.PublicUrl.GetLeftPart(UriPartial.Authority);
        string?[] cookies = [null, cookie + $"; other={Mark}", $"__Host-homestage={Mark}"];
        string?[] credentials = [null, $"Bearer {Mark}", $"Bearer hs_live_{Mark}"];
        foreach (var (method, path) in Routes)
        {
            foreach (var (session, credential) in cookies.Select(session => (session, (string?)null)).Concat(credentials.Skip(1).Select(credential => ((string?)null, credential))))
            {
                var query = path.Contains('?', StringComparison.Ordinal) ? "&" : "?";
                using var request = new HttpRequestMessage(new HttpMethod(method), $"{path}{query}token={Mark}&email={Email}");
                request.Headers.TryAddWithoutValidation("Origin", origin);
                request.Headers.TryAddWithoutValidation("X-Forwarded-For", Address);
                request.Headers.TryAddWithoutValidation("Idempotency-Key", Mark);
                request.Headers.TryAddWithoutValidation("Referer", $"{origin}/?token={Mark}");
                request.Headers.TryAddWithoutValidation("traceparent", $"00-{Mark}");
                request.Headers.TryAddWithoutValidation("Last-Event-ID", Mark);
                request.Headers.TryAddWithoutValidation("Cookie", session);
                request.Headers.TryAddWithoutValidation("Authorization", credential);
                if (method == "POST")
                    Fill(request, path, stack.Setting("billing", "STRIPE_WEBHOOK_SECRET"));
                using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
                ((int)answer.StatusCode).ShouldBeLessThan(500, $"{method} {path}");
            }
        }

        // What was asked last has been answered, so what was asked before it has been logged; one more line shows that logs are read at all.
        var secrets = Secrets(stack).Append(Mark).Append(Address).Append(cookie[(cookie.IndexOf('=', StringComparison.Ordinal) + 1)..]).Append(cookie[^40..]).Distinct().ToList();
        secrets.Count.ShouldBeGreaterThan(10);
        await Eventually.Async(() => LogsOf(stack).Any(line => line.Contains("authentication_failed", StringComparison.Ordinal)), "refusals are logged");
        foreach (var line in LogsOf(stack))
            secrets.Find(secret => line.Contains(secret, StringComparison.OrdinalIgnoreCase)).ShouldBeNull(line);
    }

    private static void Fill(HttpRequestMessage request, string path, string webhookSecret)
    {
        var body = JsonSerializer.Serialize(new
        {
            id = $"evt_{Guid.NewGuid():N}",
            type = "customer.created",
            livemode = false,
            data = new { @object = new { id = "cus_1", @object = "customer", email = Email, name = Mark, address = new { line1 = Mark, postal_code = Mark } } },
            plan = Mark,
            prompt = $"{Mark}, call {Email}",
            photoId = Mark,
            code = Mark,
        });
        request.Content = new StringContent(body, new MediaTypeHeaderValue(path.EndsWith("photos", StringComparison.Ordinal) ? "image/jpeg" : "application/json"));
        if (!path.StartsWith("/webhooks", StringComparison.Ordinal))
            return;
        var at = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        // Signed in earnest when there is no session, and wrongly otherwise.
        var secret = request.Headers.Contains("Cookie") ? Mark : webhookSecret;
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{at}.{body}")));
        request.Headers.TryAddWithoutValidation("Stripe-Signature", $"t={at},v1={signature}");
    }

    /// <summary>The secrets that the services themselves were given.</summary>
    private static IEnumerable<string> Secrets(TestStack stack)
    {
        foreach (var (name, value) in stack.Processes.SelectMany(process => process.Settings))
        {
            if (name.EndsWith("_FILE", StringComparison.Ordinal) || name.EndsWith("_DIR", StringComparison.Ordinal))
                continue;
            if (name.EndsWith("_KEY", StringComparison.Ordinal) || name.EndsWith("_SECRET", StringComparison.Ordinal) || name.EndsWith("_PEPPER", StringComparison.Ordinal))
                yield return value;
            else if (name.EndsWith("_CONNECTION", StringComparison.Ordinal))
                yield return value.Split(';', ',').Select(part => part.Split('=', 2)).First(part => part[0].Equals("password", StringComparison.OrdinalIgnoreCase))[1];
            else if (name == "RABBITMQ_URL")
                yield return new Uri(value).UserInfo.Split(':')[1];
        }
    }

    private static IEnumerable<string> LogsOf(TestStack stack) =>
        stack.Processes.Where(process => !process.Name.EndsWith("simulator", StringComparison.Ordinal)).SelectMany(process => File.ReadLines(process.LogFile));
}
