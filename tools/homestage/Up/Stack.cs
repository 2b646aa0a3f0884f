using HomeStage.Tool.Deployments;
using HomeStage.Tool.Processes;
using HomeStage.Tool.Servers;

namespace HomeStage.Tool.Up;

/// <summary>How the whole system shall run.</summary>
internal sealed record StackOptions
{
    public required DataFolder Data { get; init; }

    /// <inheritdoc cref="DeploymentInput.Ports"/>
    public required IReadOnlyList<int> Ports { get; init; }

    public int Workers { get; init; } = 1;

    public bool Https { get; init; }

    /// <summary>Whether an OpenID Connect provider runs beside.</summary>
    public bool WithSignIn { get; init; }

    /// <summary>Whether data must survive a power cut.</summary>
    public bool Durable { get; init; } = true;

    public required IReadOnlyDictionary<string, string> Given { get; init; }

    /// <summary>The services to start; null starts all of them, and the simulators. Every database and the whole topology is prepared in any case.</summary>
    public IReadOnlyCollection<string>? Only { get; init; }
}

/// <summary>The whole system, running: servers, simulators and services of one data folder.</summary>
internal sealed class Stack : IAsyncDisposable
{
    private readonly ProcessLedger _ledger;
    private readonly string _logs;

    private Stack(LocalServers servers, Deployment deployment, IReadOnlyCollection<string>? only, ProcessLedger ledger, string logs)
    {
        (Servers, Deployment, _ledger, _logs) = (servers, deployment, ledger, logs);
        var plans = only is null ? deployment.Simulators.Concat(deployment.Services) : deployment.Services.Where(service => only.Contains(service.Program));
        Processes = [.. plans.Select(plan => new RunningProcess(plan, logs, ledger))];
    }

    public LocalServers Servers { get; }

    public Deployment Deployment { get; }

    /// <summary>Simulators and services.</summary>
    public IReadOnlyList<RunningProcess> Processes { get; }

    /// <summary>Starts everything and returns when all of it is ready. When it cannot, nothing is left running.</summary>
    /// <param name="options">What to start, and where.</param>
    /// <param name="report">Hears what is being done, for a person who waits.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="ToolException">Something does not start; the message says what and why.</exception>
    public static async Task<Stack> StartAsync(StackOptions options, Action<string> report, CancellationToken cancel)
    {
        var data = options.Data;
        var seed = data.Seed();
        if (File.Exists(data.EnvFile))
            EnvFile.Read(data.EnvFile);
        Logs.Begin(data.Logs);
        IdentityKeys.Ensure(data.IdentityKeys);
        CookieKeys.Ensure(data.CookieKeys);
        Directory.CreateDirectory(data.Blobs);
        if (options.Https)
            LocalCertificate.Ensure(data, TimeProvider.System);

        var ledger = data.Ledger;
        var servers = LocalServers.Plan(new() { Folder = data.Servers, LogFolder = data.Logs, Seed = seed, Durable = options.Durable, Ledger = ledger });
        try
        {
            var deployment = new Deployment(new()
            {
                Data = data,
                Servers = servers.Facts,
                Seed = seed,
                Ports = options.Ports,
                Workers = options.Workers,
                Https = options.Https,
                WithSignIn = options.WithSignIn,
                Given = options.Given,
                NextPort = FreePorts.Next,
            });
            var stack = new Stack(servers, deployment, options.Only, ledger, data.Logs);
            try
            {
                await stack.StartProcessesAsync(seed, report, cancel);
                PrivateFile.Write(data.EnvFile, EnvFile.Render(deployment, servers.Facts));
                return stack;
            }
            catch
            {
                await stack.StopProcessesAsync();
                throw;
            }
        }
        catch
        {
            await servers.StopAsync();
            throw;
        }
    }

    /// <summary>Stops everything: first who lets work in, last the servers that all of it is kept in.</summary>
    public async Task StopAsync()
    {
        await StopProcessesAsync();
        await Servers.StopAsync();
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    /// <summary>Whatever does not need another thing starts beside it: most of the time goes by while the broker starts.</summary>
    private async Task StartProcessesAsync(DevelopmentSeed seed, Action<string> report, CancellationToken cancel)
    {
        report("Starting PostgreSQL, RabbitMQ and Redis");
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        RunningProcess[] early = [.. Processes.Where(process => process.Plan.Stage is StopStage.Simulators or StopStage.Gateway)];
        await AllAsync(
            giveUp,
            Servers.RabbitMq!.StartAsync(giveUp.Token),
            Servers.Redis!.StartAsync(giveUp.Token),
            Task.WhenAll(early.Select(process => process.StartAsync())),
            PrepareDatabasesAsync(seed, report, giveUp.Token));

        report("Starting the services");
        await Task.WhenAll(Processes.Except(early).Select(process => process.StartAsync()));
        await Task.WhenAll(Processes.Select(process => process.UntilReadyAsync(cancel)));
    }

    private async Task PrepareDatabasesAsync(DevelopmentSeed seed, Action<string> report, CancellationToken cancel)
    {
        await Servers.Postgres!.StartAsync(cancel);
        report("Preparing databases and broker");
        await Databases.CloseDefaultDatabasesAsync(Servers.Facts.Postgres!, cancel);
        await Task.WhenAll(Deployment.DatabaseNames.Select(database => Databases.EnsureAsync(
            Servers.Facts.Postgres!, database, Deployment.DdlPassword(seed, database), Deployment.AppPassword(seed, database), cancel)));
        await Task.WhenAll(Deployment.Migrations.Select(migration => MigrateAsync(migration, cancel)));
    }

    /// <summary>Waits for all, and gives the others up when one fails: its reason is the one that counts.</summary>
    private static async Task AllAsync(CancellationTokenSource giveUp, params Task[] tasks)
    {
        await foreach (var ended in Task.WhenEach(tasks))
        {
            if (ended.IsCompletedSuccessfully)
                continue;
            await giveUp.CancelAsync();
            await Task.WhenAll(tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await ended;
        }
    }

    private async Task MigrateAsync(ProcessPlan migration, CancellationToken cancel)
    {
        var process = await ChildProcess.StartAsync(migration.Spec(_logs), _ledger);
        try
        {
            var code = await process.Exited.WaitAsync(cancel);
            if (code != 0)
                throw new ToolException($"The migrations of {migration.Program} failed (exit code {code}). The log {process.Spec.LogFile} closes with:\n{process.LastLines()}");
        }
        finally
        {
            await process.KillAsync();
        }
    }

    private async Task StopProcessesAsync()
    {
        foreach (var stage in Processes.GroupBy(process => process.Plan.Stage).OrderBy(stage => stage.Key))
            await Task.WhenAll(stage.Select(process => process.StopAsync()));
    }
}
