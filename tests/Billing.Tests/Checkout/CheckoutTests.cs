using System.Net;
using System.Net.Http.Headers;
using System.Text;
using HomeStage.Billing.Checkout;
using HomeStage.Billing.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace HomeStage.Billing.Tests.Checkout;

public sealed class CheckoutTests : IClassFixture<BillingFixture>
{
    private readonly Guid _account = Guid.CreateVersion7();
    private readonly BillingApp _app;

    public CheckoutTests(BillingFixture fixture)
    {
        _app = fixture.App;
        _app.Stripe.Reset();
    }

    [Fact]
    public async Task Stripe_is_asked_for_our_price_with_the_order_in_all_three_places()
    {
        using var answer = await _app.CheckOutAsync(_account);
        answer.StatusCode.ShouldBe(HttpStatusCode.Created);
        var order = (string)(await BillingApp.BodyAsync(answer))["orderId"]!;
        answer.Headers.Location!.ToString().ShouldBe($"/api/v1/orders/{order}");
        var call = _app.Stripe.Calls.ShouldHaveSingleItem();
        call.Route.ShouldBe("POST /v1/checkout/sessions");
        call.Authorization.ShouldBe($"Bearer {BillingApp.SecretKey}");
        call.Version.ShouldBe("2026-07-29.dahlia");
        call.IdempotencyKey.ShouldBe($"checkout-{order}-0");
        call.Form.ShouldBe(
            new Dictionary<string, string>
            {
                ["mode"] = "payment",
                ["client_reference_id"] = order,
                ["metadata[order_id]"] = order,
                ["payment_intent_data[metadata][order_id]"] = order,
                ["line_items[0][price_data][currency]"] = "usd",
                ["line_items[0][price_data][unit_amount]"] = "2500",
                ["line_items[0][price_data][product_data][name]"] = "HomeStage Value: 20 credits",
                ["line_items[0][quantity]"] = "1",
                ["success_url"] = $"http://localhost:8080/?order={order}&checkout=success",
                ["cancel_url"] = $"http://localhost:8080/?order={order}&checkout=canceled",
            },
            ignoreOrder: true);
    }

    [Theory]
    [InlineData("""{"plan":"value","price":1}""", "price")]
    [InlineData("""{"plan":"value","amount":1,"credits":1000}""", "credits")]
    [InlineData("""{"plan":"free"}""", "plan")]
    [InlineData("""{"plan":25}""", "plan")]
    [InlineData("""{"plan":"value","plan":"pro"}""", "body")]
    [InlineData("""{}""", "plan")]
    [InlineData("""["value"]""", "body")]
    [InlineData("""{"plan":""", "body")]
    [InlineData("", "body")]
    public async Task Request_for_anything_but_a_plan_is_refused_and_places_nothing(string body, string field)
    {
        using var answer = await PostAsync(body);
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        var problem = await BillingApp.BodyAsync(answer);
        ((string)problem["code"]!).ShouldBe("validation_failed");
        problem["errors"]![field].ShouldNotBeNull();
        (await OrderCountAsync()).ShouldBe(0);
        _app.Stripe.Calls.ShouldBeEmpty();
    }

    [Fact]
    public async Task Wrong_type_and_great_size_get_their_codes()
    {
        using var text = await PostAsync("""{"plan":"value"}""", mediaType: "text/plain");
        text.StatusCode.ShouldBe(HttpStatusCode.UnsupportedMediaType);
        using var large = await PostAsync($$"""{"plan":"{{new string('x', 17_000)}}"}""");
        large.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
    }

    [Fact]
    public async Task Only_a_session_can_buy()
    {
        using var member = await _app.CheckOutAsync(_account, kind: "member");
        member.StatusCode.ShouldBe(HttpStatusCode.Created);
        using var key = await _app.CheckOutAsync(_account, kind: "key");
        key.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        using var nobody = await _app.CheckOutAsync(Guid.Empty);
        nobody.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Same_key_twice_is_one_order_and_one_session()
    {
        using var first = await _app.CheckOutAsync(_account, idempotencyKey: "k1");
        using var second = await _app.CheckOutAsync(_account, idempotencyKey: "k1");
        second.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await BillingApp.BodyAsync(second)).ToJsonString().ShouldBe((await BillingApp.BodyAsync(first)).ToJsonString());
        second.Headers.Location.ShouldBe(first.Headers.Location);
        (await OrderCountAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task Same_key_twenty_times_at_once_is_one_order_and_one_session()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _app.CheckOutAsync(_account, idempotencyKey: "k1")));
        var bodies = await Task.WhenAll(answers.Select(BillingApp.BodyAsync));
        answers.ShouldAllBe(answer => answer.StatusCode == HttpStatusCode.Created);
        bodies.Select(body => body.ToJsonString()).Distinct().ShouldHaveSingleItem();
        (await OrderCountAsync()).ShouldBe(1);
        _app.Stripe.SessionCount.ShouldBe(1);
    }

    [Fact]
    public async Task Key_belongs_to_its_account_and_its_body()
    {
        using var first = await _app.CheckOutAsync(_account, "value", "k1");
        using var changed = await _app.CheckOutAsync(_account, "pro", "k1");
        changed.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        ((string)(await BillingApp.BodyAsync(changed))["code"]!).ShouldBe("idempotency_conflict");
        using var other = await _app.CheckOutAsync(Guid.CreateVersion7(), "pro", "k1");
        other.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Refused_request_uses_its_key_up()
    {
        using var refused = await _app.CheckOutAsync(_account, "free", "k1");
        using var again = await _app.CheckOutAsync(_account, "free", "k1");
        var (first, second) = (await BillingApp.BodyAsync(refused), await BillingApp.BodyAsync(again));
        again.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        second["errors"]!.ToJsonString().ShouldBe(first["errors"]!.ToJsonString());
        using var corrected = await _app.CheckOutAsync(_account, "value", "k1");
        corrected.StatusCode.ShouldBe(HttpStatusCode.Conflict);
    }

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    public async Task Key_that_is_none_is_refused(string key)
    {
        using var answer = await _app.CheckOutAsync(_account, idempotencyKey: key);
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await BillingApp.BodyAsync(answer))["errors"]!["Idempotency-Key"].ShouldNotBeNull();
    }

    [Fact]
    public async Task Keys_are_kept_for_a_day_at_least_and_not_for_ever()
    {
        using var first = await _app.CheckOutAsync(_account, idempotencyKey: "k1");
        var retention = _app.Services.GetServices<IHostedService>().OfType<IdempotencyKeyRetention>().Single();
        _app.Time.Advance(TimeSpan.FromHours(25));
        await retention.ForgetAsync(TestContext.Current.CancellationToken);
        (await KeyCountAsync()).ShouldBe(1);
        _app.Time.Advance(TimeSpan.FromDays(3));
        await retention.ForgetAsync(TestContext.Current.CancellationToken);
        (await KeyCountAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task While_stripe_is_down_the_order_waits_and_the_same_key_continues_it()
    {
        for (var tried = 0; tried < 3; tried++)
            _app.Stripe.CutNext();
        using var failed = await _app.CheckOutAsync(_account, idempotencyKey: "k1");
        failed.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        var problem = await BillingApp.BodyAsync(failed);
        ((string)problem["code"]!, (bool)problem["retryable"]!).ShouldBe(("unavailable", true));
        var order = new PlacedOrder((Guid)problem["orderId"]!, _account, "");
        var pending = await _app.OrderAsync(order);
        ((string)pending["status"]!, (string?)pending["urls"]!["checkout"]).ShouldBe(("pending", null));

        using var again = await _app.CheckOutAsync(_account, idempotencyKey: "k1");
        again.StatusCode.ShouldBe(HttpStatusCode.Created);
        ((Guid)(await BillingApp.BodyAsync(again))["orderId"]!).ShouldBe(order.Id);
        _app.Stripe.Calls.Count.ShouldBe(4);
        _app.Stripe.Calls.Select(call => call.IdempotencyKey).Distinct().ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData(HttpStatusCode.InternalServerError, "", 3)]
    [InlineData(HttpStatusCode.BadRequest, "resource_missing", 1)]
    public async Task Error_that_stripe_saved_under_its_key_is_not_asked_for_again(HttpStatusCode status, string code, int calls)
    {
        _app.Stripe.FailNext(status, code);
        using var failed = await _app.CheckOutAsync(_account, idempotencyKey: "k1");
        failed.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        _app.Stripe.Calls.Count.ShouldBe(calls);
        using var again = await _app.CheckOutAsync(_account, idempotencyKey: "k1");
        again.StatusCode.ShouldBe(HttpStatusCode.Created);
        var order = (string)(await BillingApp.BodyAsync(again))["orderId"]!;
        _app.Stripe.Calls.Select(call => call.IdempotencyKey).Distinct().ShouldBe([$"checkout-{order}-0", $"checkout-{order}-1"]);
        (await OrderCountAsync()).ShouldBe(1);
    }

    [Theory]
    [InlineData(HttpStatusCode.TooManyRequests, "rate_limit")]
    [InlineData(HttpStatusCode.Conflict, "lock_timeout")]
    [InlineData(HttpStatusCode.Conflict, "idempotency_key_in_use")]
    public async Task Error_of_before_stripe_began_leaves_the_key_as_it_is(HttpStatusCode status, string code)
    {
        _app.Stripe.FailNext(status, code, times: 3);
        using var failed = await _app.CheckOutAsync(_account, idempotencyKey: "k1");
        failed.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        using var again = await _app.CheckOutAsync(_account, idempotencyKey: "k1");
        again.StatusCode.ShouldBe(HttpStatusCode.Created);
        _app.Stripe.Calls.Select(call => call.IdempotencyKey).Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Two_who_got_the_same_error_go_on_with_the_same_key()
    {
        _app.Stripe.FailNext(HttpStatusCode.InternalServerError, shouldRetry: "false");
        var failed = await Task.WhenAll(_app.CheckOutAsync(_account, idempotencyKey: "k1"), _app.CheckOutAsync(_account, idempotencyKey: "k1"));
        failed.ShouldContain(answer => answer.StatusCode == HttpStatusCode.ServiceUnavailable);
        using var again = await _app.CheckOutAsync(_account, idempotencyKey: "k1");
        again.StatusCode.ShouldBe(HttpStatusCode.Created);
        _app.Stripe.SessionCount.ShouldBe(1);
        (await OrderCountAsync("and checkout_attempt = 1")).ShouldBe(1);
    }

    [Fact]
    public async Task Page_that_was_given_out_first_stays_the_orders()
    {
        using var held = new SemaphoreSlim(0);
        var reached = new TaskCompletionSource();
        // The first request has its session, and the answer is slow. Meanwhile the same request is repeated, and its session comes of another attempt.
        _app.Stripe.OnTheWay = async call =>
        {
            if (!call.IdempotencyKey.EndsWith("-0", StringComparison.Ordinal))
                return;
            reached.SetResult();
            await held.WaitAsync(TestContext.Current.CancellationToken);
        };
        var slow = _app.CheckOutAsync(_account, idempotencyKey: "k1");
        await reached.Task.WaitAsync(TestContext.Current.CancellationToken);
        await _app.ExecuteAsync("update orders set checkout_attempt = 1 where account_id = $1", _account);
        using var quick = await _app.CheckOutAsync(_account, idempotencyKey: "k1");
        held.Release();
        using var late = await slow;
        _app.Stripe.SessionCount.ShouldBe(2);
        var url = (string)(await BillingApp.BodyAsync(quick))["url"]!;
        ((string)(await BillingApp.BodyAsync(late))["url"]!).ShouldBe(url);
        (await _app.CountAsync("select count(*) from orders where account_id = $1 and session_url = $2", _account, url)).ShouldBe(1);
    }

    [Fact]
    public async Task Process_that_dies_after_any_statement_leaves_a_checkout_that_the_same_key_completes()
    {
        var died = 0;
        for (var step = 1; ; step++)
        {
            var key = $"k{step}";
            _app.Crash.Arm(step);
            using var first = await _app.CheckOutAsync(_account, idempotencyKey: key);
            if (_app.Crash.Disarm())
                break;
            first.StatusCode.ShouldBe(HttpStatusCode.InternalServerError, $"step {step}");
            died++;
            using var again = await _app.CheckOutAsync(_account, idempotencyKey: key);
            again.StatusCode.ShouldBe(HttpStatusCode.Created, $"step {step}");
            _app.Stripe.SessionCount.ShouldBe(step, $"step {step}");
            (await OrderCountAsync("and session_id is not null")).ShouldBe(step);
            (await OrderCountAsync()).ShouldBe(step);
        }

        // Owners, order, key, before and after the commit, session.
        died.ShouldBe(6);
    }

    [Fact]
    public async Task Passing_trouble_at_stripe_is_not_the_customers()
    {
        _app.Stripe.FailNext(HttpStatusCode.Conflict, "lock_timeout");
        _app.Stripe.CutNext();
        using var answer = await _app.CheckOutAsync(_account);
        answer.StatusCode.ShouldBe(HttpStatusCode.Created);
        _app.Stripe.Calls.Count.ShouldBe(3);
        _app.Stripe.Calls.Select(call => call.IdempotencyKey).Distinct().ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData(HttpStatusCode.BadRequest, "parameter_invalid", null)]
    [InlineData(HttpStatusCode.Unauthorized, "", null)]
    [InlineData(HttpStatusCode.InternalServerError, "", "false")]
    public async Task What_repetition_cannot_help_is_asked_once_and_tells_nothing_of_the_inside(HttpStatusCode status, string code, string? shouldRetry)
    {
        _app.Stripe.FailNext(status, code, shouldRetry);
        using var answer = await _app.CheckOutAsync(_account);
        answer.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        _app.Stripe.Calls.Count.ShouldBe(1);
        (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldNotContain("api_error");
        _app.Logs.Lines.ShouldContain(line => line.Event == "stripe_refused");
    }

    [Fact]
    public async Task Page_that_asks_for_another_price_is_never_shown()
    {
        _app.Stripe.Adjust = session => session["amount_total"] = 100;
        using var answer = await _app.CheckOutAsync(_account);
        answer.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldNotContain("checkout.stripe.test");
        _app.Logs.Lines.ShouldContain(line => line.Event == "payment_anomaly");
    }

    private Task<long> OrderCountAsync(string condition = "") =>
        _app.CountAsync("select count(*) from orders where account_id = $1 " + condition, _account);

    private Task<long> KeyCountAsync() => _app.CountAsync("select count(*) from idempotency_keys where account_id = $1", _account);

    private Task<HttpResponseMessage> PostAsync(string body, string mediaType = "application/json") => _app.SendAsync(
        HttpMethod.Post, "/api/v1/checkout", _account, content: new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue(mediaType)));
}
