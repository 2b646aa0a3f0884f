using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using HomeStage.Hosting;
using HomeStage.Hosting.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace HomeStage.Entitlements.Tests.Support;

[Collection(nameof(OneService))]
public sealed class SupportAccessTests(EntitlementsFixture fixture)
{
    private static readonly string SomeHash = TestOperators.HashOf("some token");
    private readonly EntitlementsApp _app = fixture.App;

    public static TheoryData<string, string> Routes => new()
    {
        { "GET", "/support/accounts?account=00000000-0000-0000-0000-000000000001" },
        { "GET", "/support/orders/00000000-0000-0000-0000-000000000001" },
        { "GET", "/support/audit" },
        { "GET", "/support/blocks" },
        { "GET", "/support/ledger/violations" },
        { "GET", "/support/dead-letters" },
        { "POST", "/support/accounts/00000000-0000-0000-0000-000000000001/grants" },
        { "POST", "/support/accounts/00000000-0000-0000-0000-000000000001/extend" },
        { "POST", "/support/accounts/00000000-0000-0000-0000-000000000001/freeze" },
        { "POST", "/support/accounts/00000000-0000-0000-0000-000000000001/thaw" },
        { "POST", "/support/grants/00000000-0000-0000-0000-000000000001/extend" },
        { "POST", "/support/grants/00000000-0000-0000-0000-000000000001/revoke" },
        { "POST", "/support/grants/00000000-0000-0000-0000-000000000001/restore" },
        { "POST", "/support/grants/00000000-0000-0000-0000-000000000001/adjust" },
        { "POST", "/support/orders/00000000-0000-0000-0000-000000000001/check" },
        { "POST", "/support/reconcile" },
        { "POST", "/support/dead-letters/entitlements.payment-completed/resend" },
        { "PUT", "/support/blocks/somebody" },
        { "DELETE", "/support/blocks/somebody" },
    };

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Only_those_who_are_named_come_in_and_only_those_who_may_act_do(string method, string path)
    {
        var verb = new HttpMethod(method);

        (await _app.SupportAsync(verb, path, token: null)).ShouldSatisfyAllConditions(answer => (answer.Status, answer.Code).ShouldBe((401, "unauthenticated")));
        (await _app.SupportAsync(verb, path, token: "another token")).Status.ShouldBe(401);
        if (method != "GET")
            (await _app.SupportAsync(verb, path, token: TestOperators.Reading)).ShouldSatisfyAllConditions(answer => (answer.Status, answer.Code).ShouldBe((403, "forbidden")));
        // Elsewhere there is no such route, whoever asks.
        (await _app.SendAsync(verb, path, "gateway")).Status.ShouldBe(404);
        (await _app.SendAsync(verb, path, "staging-api")).Status.ShouldBe(404);
    }

    [Fact]
    public async Task The_support_listener_serves_nothing_else()
    {
        // No support person's token is good for what is elsewhere, and there is nothing behind it either.
        foreach (var path in (string[])["/api/v1/credits", "/internal/blocks", "/health/live", "/metrics"])
            (await _app.SupportAsync(HttpMethod.Get, path)).Status.ShouldBe(401);
    }

    [Fact]
    public async Task A_token_in_another_form_is_no_token()
    {
        (await _app.SupportAsync(HttpMethod.Get, "/support/audit", token: TestOperators.Acting.ToUpperInvariant())).Status.ShouldBe(401);
        (await _app.SupportAsync(HttpMethod.Get, "/support/audit", token: TestOperators.HashOf(TestOperators.Acting))).Status.ShouldBe(401);
        (await _app.SupportAsync(HttpMethod.Get, "/support/audit", token: TestOperators.Reading)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Who_is_refused_is_counted()
    {
        var counted = new ConcurrentBag<string>();
        using var listener = new MeterListener();
        var meters = _app.Services.GetRequiredService<IMeterFactory>();
        listener.InstrumentPublished = (instrument, it) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, meters) && instrument.Name == "homestage.support.refused")
                it.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) => counted.Add((string)tags[0].Value!));
        listener.Start();

        await _app.SupportAsync(HttpMethod.Get, "/support/audit", token: null);
        await _app.SupportAsync(HttpMethod.Get, "/support/audit", token: "a guess");
        await _app.SupportAsync(HttpMethod.Post, "/support/reconcile", new { reason = "to see" }, token: TestOperators.Reading);

        counted.Order(StringComparer.Ordinal).ShouldBe(["no_token", "role", "unknown_token"]);
    }

    [Theory]
    [InlineData("", "is missing")]
    [InlineData("\n", "names nobody")]
    [InlineData("desk-1 act", "has a line that is not")]
    [InlineData("desk-1 admin HASH", "has a line that is not")]
    [InlineData("Desk act HASH", "has a line that is not")]
    [InlineData("desk-1 act 0123", "has a line that is not")]
    [InlineData("desk-1 act HASH extra", "has a line that is not")]
    [InlineData("desk-1 act HASH\ndesk-1 read 0000000000000000000000000000000000000000000000000000000000000000", "has a name twice")]
    [InlineData("desk-1 act HASH\ndesk-2 read HASH", "has a token twice")]
    [InlineData("billing act HASH", "uses a name that is a service's")]
    public async Task Operators_that_make_no_sense_stop_the_start(string operators, string problem)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["SUPPORT_OPERATORS"] = operators.Replace("HASH", SomeHash, StringComparison.Ordinal) };

        var problems = (await Should.ThrowAsync<SettingsException>(() => ServiceHost.StartAsync(EntitlementsService.Name, settings, EntitlementsService.Compose))).Problems;

        problems.ShouldContain(line => line.StartsWith($"SUPPORT_OPERATORS {problem}"));
        problems.ShouldNotContain(line => line.Contains(SomeHash));
        foreach (var name in (string[])["SUPPORT_URL", "SUPPORT_BROKER_URL", "BILLING_URL"])
            problems.ShouldContain(line => line.StartsWith($"{name} is missing"));
    }
}
