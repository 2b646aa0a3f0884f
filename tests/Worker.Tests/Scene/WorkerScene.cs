using System.Security.Cryptography;
using HomeStage.Hosting;
using HomeStage.Hosting.Messaging;
using HomeStage.Storage;
using HomeStage.Tool.Servers;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using RabbitMQ.Client;

[assembly: AssemblyFixture(typeof(TestServers))]

namespace HomeStage.Worker.Tests.Scene;

/// <summary>A broker of its own, a staging-api and a provider that do as told, a store, and workers between them.</summary>
internal sealed class WorkerScene : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<WebApplication> _workers = [];
    private readonly string _identityKey;
    private TestVirtualHost _host = null!;
    private WebApplication _stagingApi = null!;

    private WorkerScene()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _identityKey = key.ExportPkcs8PrivateKeyPem();
        Directory.CreateDirectory(_folder.File("callers"));
        Directory.CreateDirectory(_folder.File("blobs"));
        File.WriteAllText(_folder.File("callers/staging-worker.pem"), key.ExportSubjectPublicKeyInfoPem());
        Blobs = new DirectoryBlobStore(_folder.File("blobs"));
    }

    public FakeProvider Provider { get; private set; } = null!;

    public FakeStagingApi Api { get; } = new();

    public IBlobStore Blobs { get; }

    /// <summary>The management listener of the worker that was started last.</summary>
    public Uri Management { get; private set; } = null!;

    /// <summary>The worker's settings; a test changes what it is about.</summary>
    public Dictionary<string, string> Settings { get; private set; } = [];

    public static async Task<WorkerScene> SetAsync(TestServers servers, string? redis = null, RabbitMqFacts? broker = null)
    {
        var scene = new WorkerScene { _host = await TestVirtualHost.CreateAsync(broker ?? servers.RabbitMq), Provider = await FakeProvider.StartAsync() };
        var apiUrl = NewUrl();
        scene.Settings = new(StringComparer.Ordinal)
        {
            ["IDENTITY_KEY"] = scene._identityKey,
            ["RABBITMQ_URL"] = scene._host.Url("staging-worker"),
            ["REDIS_CONNECTION"] = redis ?? "127.0.0.1:1",
            ["BLOBS_DIR"] = scene._folder.File("blobs"),
            ["STAGING_API_URL"] = apiUrl,
            ["OPENAI_API_KEY"] = "sk-of-the-test-0123",
            ["OPENAI_BASE_URL"] = scene.Provider.Url,
            ["WORKER_CONCURRENCY"] = "2",
            ["DRAIN_SECONDS"] = "30",
        };
        var migrate = new Dictionary<string, string>(StringComparer.Ordinal) { ["MIGRATE_RABBITMQ_URL"] = scene._host.MigrateUrl };
        await ServiceHost.MigrateAsync("staging-api", migrate, scene.Api.Compose);
        await ServiceHost.MigrateAsync(WorkerService.Name, migrate, WorkerService.Compose);
        scene._stagingApi = await ServiceHost.StartAsync("staging-api", new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["HTTP_URL"] = apiUrl,
            ["MANAGEMENT_URL"] = NewUrl(),
            ["RABBITMQ_URL"] = scene._host.Url("staging-api"),
            ["IDENTITY_CALLERS_DIR"] = scene._folder.File("callers"),
        }, scene.Api.Compose);
        return scene;
    }

    /// <summary>Starts a worker inside this process.</summary>
    public async Task<WebApplication> StartWorkerAsync(Action<IServiceCollection>? replace = null)
    {
        var worker = await ServiceHost.StartAsync(WorkerService.Name, WithListeners(), WorkerService.Compose, replace);
        _workers.Add(worker);
        return worker;
    }

    /// <summary>Starts a worker as a process, to be killed.</summary>
    public Task<ServiceProcess> StartWorkerProcessAsync() => ServiceProcess.StartAsync("staging-worker", WithListeners());

    /// <summary>The settings with free ports.</summary>
    private Dictionary<string, string> WithListeners()
    {
        Management = new Uri(NewUrl());
        return new(Settings, StringComparer.Ordinal) { ["HTTP_URL"] = NewUrl(), ["MANAGEMENT_URL"] = Management.ToString() };
    }

    /// <summary>Stores the photo and makes the work for it; a new job unless one is named.</summary>
    public async Task<StageRoom> WorkAsync(Guid? job = null, int attempt = 1)
    {
        var jobId = job ?? Guid.CreateVersion7();
        var original = $"{jobId}/0123abcd.jpg";
        await Blobs.PutAsync(original, Pictures.Room, "image/jpeg");
        return new StageRoom
        {
            JobId = jobId,
            Attempt = attempt,
            OriginalBlob = original,
            PhotoWidth = 1600,
            PhotoHeight = 1200,
            Options = new StagingOptions { Room = "living_room", Style = "scandinavian", Quality = "standard" },
            PromptVersion = Catalog.Catalogue.PromptVersion,
            VariationsMissing = Api.Missing,
            SafetyId = "safety-of-test",
        };
    }

    /// <summary>Sends work as staging-api does: again, as the same message, if the broker does not confirm it in time.</summary>
    public Task SendAsync(StageRoom work)
    {
        var messageId = Guid.NewGuid();
        return Eventually.Async(
            async () =>
            {
                await _stagingApi.Services.GetRequiredService<BusPublisher>().PublishAsync(work, messageId, TestContext.Current.CancellationToken);
                return true;
            },
            "the work is sent");
    }

    /// <summary>Sends new work and gives its job.</summary>
    public async Task<Guid> SendNewAsync()
    {
        var work = await WorkAsync();
        await SendAsync(work);
        return work.JobId;
    }

    public Task<RoomStaged> StagedAsync(Guid jobId, TimeSpan? patience = null) =>
        Eventually.ValueAsync(() => Task.FromResult(Api.ResultsOf<RoomStaged>(jobId).FirstOrDefault()), $"job {jobId} is staged", patience);

    public Task<StagingFailed> FailedAsync(Guid jobId) =>
        Eventually.ValueAsync(() => Task.FromResult(Api.ResultsOf<StagingFailed>(jobId).FirstOrDefault()), $"job {jobId} has failed");

    /// <summary>Parts the exchange of a result from staging-api's queue, so that no publish of it can be confirmed as routed.</summary>
    public Task UnbindAsync(string message, string queue) =>
        OnBrokerAsync(channel => channel.ExchangeUnbindAsync(queue, $"HomeStage.Contracts:{message}", ""));

    public Task BindAsync(string message, string queue) =>
        OnBrokerAsync(channel => channel.ExchangeBindAsync(queue, $"HomeStage.Contracts:{message}", ""));

    /// <summary>Whether the worker that was started last is not, or no longer, ready for work.</summary>
    public async Task<bool> IsUnreadyAsync()
    {
        using var client = new HttpClient();
        try
        {
            using var answer = await client.GetAsync(new Uri(Management, "/health/ready"));
            return !answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return true;
        }
    }

    /// <summary>Waits until the metrics of the worker that was started last have a line.</summary>
    public async Task UntilMetricAsync(string line)
    {
        using var client = new HttpClient();
        await Eventually.Async(
            async () => (await client.GetStringAsync(new Uri(Management, "/metrics"))).Contains(line, StringComparison.Ordinal), $"the metrics say {line}");
    }

    /// <inheritdoc cref="TestVirtualHost.CloseConnectionsAsync"/>
    public Task CloseConnectionsAsync(string user) => _host.CloseConnectionsAsync(user);

    /// <summary>Messages in a queue that nobody holds.</summary>
    public async Task<uint> ReadyAsync(string queue)
    {
        uint count = 0;
        await OnBrokerAsync(async channel => count = await channel.MessageCountAsync(queue));
        return count;
    }

    /// <summary>How many take from a queue.</summary>
    public async Task<uint> ConsumersAsync(string queue)
    {
        uint count = 0;
        await OnBrokerAsync(async channel => count = await channel.ConsumerCountAsync(queue));
        return count;
    }

    public async ValueTask DisposeAsync()
    {
        Provider.Hold?.TrySetResult();
        foreach (var worker in _workers)
            await worker.DisposeAsync();
        await _stagingApi.DisposeAsync();
        await Provider.DisposeAsync();
        await _host.DisposeAsync();
        _folder.Dispose();
    }

    private async Task OnBrokerAsync(Func<IChannel, Task> act)
    {
        var factory = new ConnectionFactory { Uri = new Uri(_host.AdminUrl) };
        await using var connection = await factory.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        await act(channel);
    }

    private static string NewUrl() => $"http://127.0.0.1:{FreePorts.Next()}";
}
