using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HomeStage.Testing;
using HomeStage.Tool.Servers;
using HomeStage.Tool.Up;

namespace HomeStage.EndToEnd.Tests;

/// <summary>One running system that is broken again and again, and a visitor with credits for all of it.</summary>
public sealed class BrokenStack : IAsyncLifetime
{
    public TestStack Stack { get; private set; } = null!;

    internal Visitor Visitor { get; private set; } = null!;

    internal HttpClient OpenAi { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Stack = await TestStack.StartAsync();
        OpenAi = new HttpClient { BaseAddress = Stack.OpenAi };
        using var slow = await OpenAi.PostAsJsonAsync("/control/settings", new { latencyMs = 4000 });
        Visitor = await Visitor.ArriveAsync(Stack);
        await Visitor.BuyAsync("pro");
        await Visitor.BuyAsync("pro");
    }

    public async ValueTask DisposeAsync()
    {
        Visitor?.Dispose();
        OpenAi?.Dispose();
        if (Stack is not null)
            await Stack.DisposeAsync();
    }
}

/// <summary>
/// Whatever is killed or frozen at whatever step of a job's life: it ends once, with its picture, for one credit, and with no more
/// provider calls than its budget has. Every combination: <c>./homestage chaos</c>.
/// </summary>
public sealed class LifeOfAJobTests(BrokenStack broken) : IClassFixture<BrokenStack>
{
    private const int MostCalls = 3;

    // Longer than the patience of most calls between services, shorter than a lease.
    private static readonly TimeSpan FreezeLength = TimeSpan.FromSeconds(12);

    private static readonly string[] Steps = ["submitting", "queued", "rendering", "delivering", "settling"];
    private static readonly string[] Parts = ["staging-worker", "staging-api", "entitlements", "RabbitMQ", "PostgreSQL", "Redis"];

    private readonly TestStack _stack = broken.Stack;
    private readonly Visitor _visitor = broken.Visitor;

    public static TheoryData<string, string, string> Everything()
    {
        var rows = new TheoryData<string, string, string>();
        foreach (var step in Steps)
        {
            foreach (var part in Parts)
            {
                rows.Add(step, part, "killed");
                rows.Add(step, part, "frozen");
            }
        }

        return rows;
    }

    [Theory]
    [InlineData("submitting", "staging-api", "killed")]
    [InlineData("queued", "RabbitMQ", "killed")]
    [InlineData("rendering", "PostgreSQL", "killed")]
    [InlineData("delivering", "staging-api", "killed")]
    [InlineData("settling", "entitlements", "killed")]
    public Task A_part_that_goes_at_a_step_costs_neither_job_nor_credit(string step, string part, string how) => LiveThroughAsync(step, part, how);

    [Theory(Explicit = true)]
    [MemberData(nameof(Everything))]
    public Task Every_part_at_every_step(string step, string part, string how) => LiveThroughAsync(step, part, how);

    private async Task LiveThroughAsync(string step, string part, string how)
    {
        var before = await _visitor.AvailableAsync();
        var callsBefore = await StatAsync("calls");
        var key = Guid.CreateVersion7().ToString();

        var (submission, release) = await ReachAsync(step, key);
        if (how == "killed")
        {
            await KillAsync(part);
            release();
            await StartAsync(part);
        }
        else
        {
            Freeze(part, true);
            await Task.Delay(FreezeLength, TestContext.Current.CancellationToken);
            Freeze(part, false);
            release();
        }

        (await submission)?.Dispose();
        var job = await SubmittedAsync(key);
        var ended = await _visitor.EndedAsync(job);
        ((string)ended["status"]!).ShouldBe("succeeded");
        ((JsonArray)ended["images"]!).Count.ShouldBe(1);
        ((int)ended["receipt"]!["held"]!, (int)ended["receipt"]!["captured"]!, (int)ended["receipt"]!["released"]!).ShouldBe((1, 1, 0));
        await Eventually.Async(async () => (int)(await _visitor.ReadAsync("/api/v1/credits"))["held"]! == 0, "the hold is settled");
        (await _visitor.AvailableAsync()).ShouldBe(before - 1);
        (await StatAsync("calls") - callsBefore).ShouldBeInRange(1, MostCalls);
        (await Ledger.QueryAsync(_stack, "staging", $"select type from events where job_id = '{job}' and type in ('succeeded', 'failed', 'canceled')")).ShouldBe(["succeeded"]);
        (await Ledger.ViolationsAsync(_stack)).ShouldBeEmpty();
    }

    /// <summary>Submits a job and stops it at a step. The answer to the submission may be an error, or none.</summary>
    private async Task<(Task<HttpResponseMessage?> Submission, Action Release)> ReachAsync(string step, string key)
    {
        var (entitlements, stagingApi, worker) = (_stack.Process("entitlements"), _stack.Process("staging-api"), _stack.Process("staging-worker"));
        switch (step)
        {
            case "submitting":
                entitlements.Freeze();
                var pending = TryAsync(key);
                await Eventually.Async(async () => (await Ledger.QueryAsync(_stack, "staging", "select id from jobs where status = 'accepted'")).Count == 1, "the job is accepted");
                return (pending, Thaw(entitlements));
            case "queued":
                worker.Freeze();
                var queued = await TryAsync(key);
                return (Task.FromResult(queued), Thaw(worker));
            case "rendering":
                return (Task.FromResult(await RenderingAsync(key)), () => { });
            case "delivering":
                var rendering = await RenderingAsync(key);
                var job = await SubmittedAsync(key);
                stagingApi.Freeze();
                var manifest = Path.Combine(_stack.BlobsFolder, "blobs", $"{job}", "1", "result.json~");
                await Eventually.Async(() => File.Exists(manifest), "the pictures are made");
                return (Task.FromResult(rendering), Thaw(stagingApi));
            default:
                var last = await RenderingAsync(key);
                entitlements.Freeze();
                var ending = await SubmittedAsync(key);
                await Eventually.Async(
                    async () => (await Ledger.QueryAsync(_stack, "staging", $"select status from jobs where id = '{ending}'")).Contains("succeeded"), "the job has ended");
                return (Task.FromResult(last), Thaw(entitlements));
        }
    }

    private async Task<HttpResponseMessage?> RenderingAsync(string key)
    {
        var answer = await TryAsync(key);
        await Eventually.Async(async () => await StatAsync("inFlight") == 1, "the provider is at work");
        return answer;
    }

    private async Task<HttpResponseMessage?> TryAsync(string key)
    {
        try
        {
            return await _visitor.SubmitAsync(key: key);
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    /// <summary>The job of a key: the same request is repeated until it is taken, as a client does.</summary>
    private async Task<Guid> SubmittedAsync(string key)
    {
        var job = Guid.Empty;
        await Eventually.Async(async () =>
        {
            using var answer = await _visitor.SubmitAsync(key: key);
            if (answer.StatusCode != HttpStatusCode.Accepted)
                return false;
            job = (Guid)(await answer.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken))!["id"]!;
            return true;
        }, "the submission is taken", TimeSpan.FromMinutes(2));
        return job;
    }

    private async Task<int> StatAsync(string name) =>
        (int)(await broken.OpenAi.GetFromJsonAsync<JsonObject>("/control/stats", TestContext.Current.CancellationToken))![name]!;

    private static Action Thaw(RunningProcess process) => () =>
    {
        if (process.IsRunning)
            process.Thaw();
    };

    private LocalServer? ServerOf(string part) => part switch
    {
        "RabbitMQ" => _stack.Servers.RabbitMq,
        "PostgreSQL" => _stack.Servers.Postgres,
        "Redis" => _stack.Servers.Redis,
        _ => null,
    };

    private Task KillAsync(string part) => ServerOf(part) is { } server ? server.KillAsync() : _stack.Process(part).KillAsync();

    private async Task StartAsync(string part)
    {
        if (ServerOf(part) is { } server)
        {
            await server.StartAgainAsync(TestContext.Current.CancellationToken);
            return;
        }

        await _stack.Process(part).StartAsync();
        await _stack.Process(part).UntilReadyAsync(TestContext.Current.CancellationToken);
    }

    private void Freeze(string part, bool frozen)
    {
        if (ServerOf(part) is { } server)
            Do(server.Freeze, server.Thaw);
        else
            Do(_stack.Process(part).Freeze, _stack.Process(part).Thaw);

        void Do(Action freeze, Action thaw) => (frozen ? freeze : thaw)();
    }
}
