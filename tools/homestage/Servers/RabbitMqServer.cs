using System.Net.Sockets;
using HomeStage.Tool.Processes;

namespace HomeStage.Tool.Servers;

/// <summary>RabbitMQ with everything of its own: node, cookie, home, and the port mapper (epmd) that Erlang would otherwise share and leave behind.</summary>
internal sealed class RabbitMqServer : LocalServer
{
    private const string Account = "rabbitmq";
    private const string NodeName = "homestage@localhost";
    private readonly string _folder;
    private readonly string _program = Executables.RabbitMqServer() ?? throw new ToolException("RabbitMQ is not installed.");
    private readonly string _epmdProgram = Executables.Epmd() ?? throw new ToolException("Erlang's epmd, which RabbitMQ needs, is not installed.");
    private readonly int _epmdPort = FreePorts.Next();
    private readonly int _nodePort = FreePorts.Next();
    private ChildProcess? _epmd;
    private bool _hasQueues;

    public RabbitMqServer(LocalServersOptions options) : base(options)
    {
        _folder = Path.Combine(options.Folder, "rabbitmq");
        Facts = new(FreePorts.Next(), FreePorts.Next(), options.Seed.Secret("rabbitmq administrator"),
            BrokerPermissions.Users.ToDictionary(user => user, user => options.Seed.Secret($"rabbitmq {user}"), StringComparer.Ordinal))
        {
            TlsPort = options.Certificate is null ? null : FreePorts.Next(),
        };
    }

    public override string Name => "RabbitMQ";

    public RabbitMqFacts Facts { get; }

    public override async Task KillAsync()
    {
        await base.KillAsync();
        if (_epmd is not null)
            await _epmd.KillAsync();
    }

    public override async Task StopAsync()
    {
        await base.StopAsync();
        if (_epmd is not null)
            await _epmd.StopAsync();
    }

    private protected override async Task PrepareAsync(CancellationToken cancel)
    {
        var home = Directory.CreateDirectory(Path.Combine(_folder, "home")).FullName;
        var cookie = Path.Combine(home, ".erlang.cookie");
        if (!File.Exists(cookie))
            PrivateFile.Write(cookie, Options.Seed.Secret("erlang cookie"));
        await File.WriteAllTextAsync(InFolder("enabled_plugins"), "[rabbitmq_management].\n", cancel);
        await File.WriteAllTextAsync(InFolder("environment"), "", cancel);
        var tls = Options.Certificate is { } certificate && await certificate.PlaceAsync(_folder, Account, cancel) is var files
            ? $"listeners.ssl.1 = 127.0.0.1:{Facts.TlsPort}\nssl_options.certfile = {files.Certificate}\nssl_options.keyfile = {files.Key}\nssl_options.verify = verify_none\n"
            : "";
        await File.WriteAllTextAsync(InFolder("rabbitmq.conf"), $"""
            listeners.tcp.1 = 127.0.0.1:{Facts.Port}
            management.tcp.ip = 127.0.0.1
            management.tcp.port = {Facts.ManagementPort}
            load_definitions = {InFolder("definitions.json")}
            disk_free_limit.absolute = 50MB
            raft.wal_max_size_bytes = 64000000
            log.file = false
            log.console = true

            """ + tls, cancel);
        PrivateFile.Write(InFolder("definitions.json"), BrokerDefinitions.Json(Facts));
        await ServerAccount.OwnAsync(_folder, Account, cancel);
    }

    private protected override async Task BeforeLaunchAsync()
    {
        _hasQueues = Directory.Exists(InFolder("data"));
        if (_epmd is { IsRunning: true })
            return;
        _epmd = await ChildProcess.StartAsync(new("epmd", _epmdProgram, ["-port", $"{_epmdPort}", "-address", "127.0.0.1"])
        {
            LogFile = Options.LogFile("rabbitmq"),
            RunAs = ServerAccount.Named(Account),
        }, Options.Ledger);
    }

    private protected override ProcessSpec Spec() => new("rabbitmq", _program, [])
    {
        LogFile = Options.LogFile("rabbitmq"),
        RunAs = ServerAccount.Named(Account),
        WorkingDirectory = _folder,
        ParentDeathSignal = Signal.Term,
        // What runs has nothing to lose that quorum queues do not have on disk, and shutting down takes it long.
        StopSignal = Options.Durable ? Signal.Term : Signal.Kill,
        Environment = new Dictionary<string, string>(Node(), StringComparer.Ordinal)
        {
            ["RABBITMQ_DIST_PORT"] = $"{_nodePort}",
            ["RABBITMQ_CONFIG_FILE"] = InFolder("rabbitmq"),
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = InFolder("enabled_plugins"),
            ["RABBITMQ_MNESIA_BASE"] = InFolder("data"),
            ["RABBITMQ_LOG_BASE"] = InFolder("log"),
            // The start script replaces itself by the server, so that its id is the server's.
            ["RUNNING_UNDER_SYSTEMD"] = "1",
            // Idle schedulers sleep instead of spinning: a laptop has other things to do.
            ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] =
                "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false +sbwt none +sbwtdcpu none +sbwtdio none",
        },
    };

    /// <summary>
    /// A quorum queue of a single node sometimes finds no leader after a crash and then takes no message, for ever
    /// (rabbitmq-server issue 10070). Asking its one member to hold an election ends that; a leader takes no notice.
    /// </summary>
    private protected override async Task AfterLaunchAsync(CancellationToken cancel)
    {
        if (!_hasQueues)
            return;
        const string election = "[catch ra:trigger_election({Name, node()}) || {Name, _} <- ra_directory:list_registered(quorum_queues)].";
        var control = Path.Combine(Path.GetDirectoryName(_program)!, "rabbitmqctl");
        var asked = await ChildProcess.StartAsync(new("rabbitmqctl", control, ["-n", NodeName, "eval", election])
        {
            LogFile = Options.LogFile("rabbitmq"),
            RunAs = ServerAccount.Named(Account),
            Environment = Node(),
        }, Options.Ledger);
        if (await asked.Exited.WaitAsync(cancel) is not 0 and var code)
            throw new ToolException($"rabbitmqctl ended with {code} when RabbitMQ's queues were asked to find a leader:\n{asked.LastLines()}");
    }

    /// <summary>How programs of RabbitMQ find this node and no other.</summary>
    private Dictionary<string, string> Node() => new(StringComparer.Ordinal)
    {
        ["HOME"] = InFolder("home"),
        ["ERL_EPMD_PORT"] = $"{_epmdPort}",
        ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
        ["RABBITMQ_NODENAME"] = NodeName,
        ["RABBITMQ_CONF_ENV_FILE"] = InFolder("environment"),
    };

    private protected override async Task<bool> AnswersAsync(CancellationToken cancel)
    {
        using var management = ManagementApi.Client(Facts);
        using var answer = await management.GetAsync("whoami", cancel);
        using var amqp = new TcpClient();
        await amqp.ConnectAsync("127.0.0.1", Facts.Port, cancel);
        return answer.IsSuccessStatusCode;
    }

    private string InFolder(string name) => Path.Combine(_folder, name);
}
