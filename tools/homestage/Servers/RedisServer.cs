using System.Net.Sockets;
using System.Text;
using HomeStage.Tool.Processes;

namespace HomeStage.Tool.Servers;

internal sealed class RedisServer : LocalServer
{
    private const string Account = "redis";
    private readonly string _folder;
    private readonly string _program = Executables.RedisServer() ?? throw new ToolException("Redis is not installed.");

    public RedisServer(LocalServersOptions options) : base(options)
    {
        _folder = Path.Combine(options.Folder, "redis");
        Facts = new(FreePorts.Next(), options.Seed.Secret("redis")) { TlsPort = options.Certificate is null ? null : FreePorts.Next() };
    }

    public override string Name => "Redis";

    public RedisFacts Facts { get; }

    private protected override async Task PrepareAsync(CancellationToken cancel)
    {
        Directory.CreateDirectory(_folder);
        var tls = Options.Certificate is { } certificate && await certificate.PlaceAsync(_folder, Account, cancel) is var files
            ? $"tls-port {Facts.TlsPort}\ntls-cert-file \"{files.Certificate}\"\ntls-key-file \"{files.Key}\"\ntls-ca-cert-file \"{files.Certificate}\"\ntls-auth-clients no\n"
            : "";
        // In a file, because arguments can be read by everyone on the machine.
        PrivateFile.Write(Path.Combine(_folder, "redis.conf"), $"""
            bind 127.0.0.1
            port {Facts.Port}
            dir "{_folder}"
            requirepass {Facts.Password}
            save ""
            appendonly no

            """ + tls);
        await ServerAccount.OwnAsync(_folder, Account, cancel);
    }

    private protected override ProcessSpec Spec() => new("redis", _program, [Path.Combine(_folder, "redis.conf")])
    {
        LogFile = Options.LogFile("redis"),
        RunAs = ServerAccount.Named(Account),
        ParentDeathSignal = Signal.Term,
    };

    private protected override async Task<bool> AnswersAsync(CancellationToken cancel)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Facts.Port, cancel);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"AUTH {Facts.Password}\r\nPING\r\n"), cancel);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        return await reader.ReadLineAsync(cancel) == "+OK" && await reader.ReadLineAsync(cancel) == "+PONG";
    }
}
