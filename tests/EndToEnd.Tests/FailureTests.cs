using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HomeStage.Testing;

namespace HomeStage.EndToEnd.Tests;

/// <summary>Parts of the system go away in the middle of the main job.</summary>
public sealed class FailureTests
{
    [Fact]
    public async Task A_worker_killed_in_the_middle_of_a_render_costs_one_credit_and_the_job_succeeds_once()
    {
        await using var stack = await TestStack.StartAsync();
        using var openAi = new HttpClient { BaseAddress = stack.OpenAi };
        using var visitor = await Visitor.ArriveAsync(stack);
        await visitor.BuyAsync("quick");
        await openAi.PostAsJsonAsync("/control/faults", new { kind = "hang", match = "/v1/images/edits", count = 1 }, TestContext.Current.CancellationToken);
        var job = await visitor.StageAsync();
        await Eventually.Async(async () => (int)(await StatsAsync(openAi))["inFlight"]! == 1, "the provider is at work");

        var worker = stack.Process("staging-worker");
        await worker.KillAsync();
        await worker.StartAsync();

        var ended = await visitor.EndedAsync(job);
        ((string)ended["status"]!).ShouldBe("succeeded");
        ((JsonArray)ended["images"]!).Count.ShouldBe(1);
        await Eventually.Async(async () => await visitor.AvailableAsync() == 4, "one credit was used");
        ((int)(await StatsAsync(openAi))["calls"]!).ShouldBeLessThanOrEqualTo(2);
        (await Ledger.ViolationsAsync(stack)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Without_PostgreSQL_nothing_is_free_and_nothing_is_lost()
    {
        await using var stack = await TestStack.StartAsync();
        using var visitor = await Visitor.ArriveAsync(stack);
        (await visitor.SubmitAsync(quality: "draft")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        var before = await AcceptedAsync(stack);

        await stack.Servers.Postgres!.KillAsync();
        using (var refused = await visitor.SubmitAsync(quality: "draft"))
        {
            refused.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
            var problem = await refused.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken);
            ((bool)problem!["retryable"]!).ShouldBeTrue();
        }

        await stack.Servers.Postgres.StartAgainAsync(TestContext.Current.CancellationToken);

        // The job from before the outage ends, the refused one was never taken in, and service is back without a hand.
        await Eventually.Async(async () => (await visitor.EndedAsync(before)) is not null, "the job from before the outage has ended", TimeSpan.FromMinutes(3));
        ((JsonArray)(await visitor.ReadAsync("/api/v1/stagings"))["items"]!).Count.ShouldBe(1);
        await Eventually.Async(async () => (await visitor.SubmitAsync(quality: "draft")).StatusCode == HttpStatusCode.Accepted, "stagings are taken in again");
        (await Ledger.ViolationsAsync(stack)).ShouldBeEmpty();
    }

    private static async Task<JsonObject> StatsAsync(HttpClient openAi) =>
        (await openAi.GetFromJsonAsync<JsonObject>("/control/stats", TestContext.Current.CancellationToken))!;

    private static async Task<Guid> AcceptedAsync(TestStack stack) => Guid.Parse((await Ledger.QueryAsync(stack, "staging", "select id from jobs")).Single());
}
