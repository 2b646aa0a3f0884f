using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HomeStage.Tool.Deployments;
using HomeStage.Tool.Prerequisites;
using HomeStage.Tool.Servers;
using HomeStage.Tool.Up;
using Xunit;

namespace HomeStage.Testing;

/// <summary>
/// The whole system as <c>./homestage up</c> runs it, from the same plan, in a temporary data folder: every service a process of
/// its own that a test can kill, freeze and start again. Nothing is started again by itself.
/// </summary>
public sealed class TestStack : IAsyncDisposable
{
    private readonly TemporaryFolder _folder;
    private readonly HeldFolder _held;
    private readonly Stack _stack;

    private TestStack(TemporaryFolder folder, HeldFolder held, Stack stack) => (_folder, _held, _stack) = (folder, held, stack);

    /// <summary>The address that clients use.</summary>
    public Uri PublicUrl => new(_stack.Deployment.PublicUrl);

    /// <summary>The addresses of all gateways, and where each says whether it wants requests.</summary>
    public IReadOnlyList<(Uri Url, Uri Ready)> Gateways =>
        [.. Processes.Where(process => process.Plan.Program == "gateway").Select(process => (new Uri(process.Plan.Shown!.Value.Address), process.Plan.Ready!))];

    /// <summary>The servers, each of which can be killed, frozen and started again.</summary>
    public LocalServers Servers => _stack.Servers;

    /// <summary>Every process, in no order.</summary>
    public IReadOnlyList<RunningProcess> Processes => _stack.Processes;

    /// <summary>Address of the simulated OpenAI, for its <c>/control</c>.</summary>
    public Uri OpenAi => Simulator("openai-simulator");

    /// <summary>Address of the simulated Stripe, for its <c>/control</c>.</summary>
    public Uri Stripe => Simulator("stripe-simulator");

    /// <summary>Where blobs are.</summary>
    public string BlobsFolder => new DataFolder(_folder.FullPath).Blobs;

    /// <summary>The data folder, which <c>./homestage demo --data</c> takes.</summary>
    public string DataFolderPath => _folder.FullPath;

    /// <summary>Starts the system and waits until all of it is ready.</summary>
    /// <param name="workers">How many staging workers.</param>
    /// <param name="settings">Settings as a person would give them to <c>up</c>, e.g. <c>WORKER_CONCURRENCY</c>.</param>
    /// <param name="replicas">How many of every other service.</param>
    /// <param name="withSignIn">Whether an OpenID Connect provider runs beside, where any name signs in.</param>
    /// <param name="https">Whether the gateway speaks https, with a certificate of its own making.</param>
    /// <exception cref="Tool.ToolException">Something does not start; the message has the end of its log.</exception>
    public static async Task<TestStack> StartAsync(
        int workers = 1, IReadOnlyDictionary<string, string>? settings = null, int replicas = 1, bool withSignIn = false, bool https = false)
    {
        if (withSignIn)
            await NodePackages.EnsureAsync(Path.GetDirectoryName(Programs.SignInScript)!, TestContext.Current.CancellationToken);
        var folder = new TemporaryFolder();
        HeldFolder? held = null;
        try
        {
            held = await HeldFolder.TakeAsync(new DataFolder(folder.FullPath), fresh: false, TestContext.Current.CancellationToken);
            var stack = await Stack.StartAsync(new()
            {
                Data = held.Data,
                Ports = [.. Enumerable.Range(0, replicas).Select(_ => FreePorts.Next())],
                Workers = workers,
                WithSignIn = withSignIn,
                Https = https,
                Durable = false,
                Given = WithoutLimits(settings),
            }, _ => { }, TestContext.Current.CancellationToken);
            RunFile.WriteReady(held.Data);
            return new(folder, held, stack);
        }
        catch
        {
            if (held is not null)
                await held.DisposeAsync();
            folder.Dispose();
            throw;
        }
    }

    /// <summary>A process by its name: <c>gateway</c>, <c>billing</c>, <c>entitlements</c>, <c>staging-api</c>, <c>staging-worker</c>, with several also <c>staging-worker-2</c>, <c>gateway-2</c> and so on, <c>openai-simulator</c>, <c>stripe-simulator</c>.</summary>
    public RunningProcess Process(string name) => Processes.Single(process => process.Name == name);

    /// <summary>A setting of a service as it runs, e.g. <c>("billing", "STRIPE_WEBHOOK_SECRET")</c>.</summary>
    public string Setting(string process, string name) => Process(process).Settings[name];

    /// <summary>The superuser's connection to a database: <c>billing</c>, <c>entitlements</c> or <c>staging</c>.</summary>
    public string AdminConnection(string database) => Servers.Facts.Postgres!.AdminConnection(database);

    /// <summary>The names of the broker's queues.</summary>
    public async Task<IReadOnlyList<string>> QueuesAsync()
    {
        var facts = Servers.Facts.RabbitMq!;
        using var client = ManagementApi.Client(facts);
        var queues = await client.GetFromJsonAsync<JsonArray>($"queues/{RabbitMqFacts.DefaultVirtualHost}", TestContext.Current.CancellationToken);
        return [.. queues!.Select(queue => (string)queue!["name"]!)];
    }

    /// <summary>Stops everything in order and removes the folder.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stack.StopAsync();
        await _held.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>Tests ask more often than people do, all of them from one address; the limits have tests of their own.</summary>
    private static Dictionary<string, string> WithoutLimits(IReadOnlyDictionary<string, string>? settings)
    {
        var given = new Dictionary<string, string>(settings ?? new Dictionary<string, string>(StringComparer.Ordinal), StringComparer.Ordinal);
        given.TryAdd("LIMITS", "off");
        return given;
    }

    private Uri Simulator(string name) => new(Process(name).Plan.Shown!.Value.Address);
}
