using HomeStage.Tool.Processes;
using Npgsql;

namespace HomeStage.Tool.Servers;

internal sealed class PostgresServer : LocalServer
{
    private const string Account = "postgres";
    private readonly string _folder;
    private readonly string _programs;

    public PostgresServer(LocalServersOptions options) : base(options)
    {
        _folder = Path.Combine(options.Folder, "postgres");
        _programs = Executables.PostgresFolder() ?? throw new ToolException("PostgreSQL 15 or newer is not installed.");
        Facts = new(FreePorts.Next(), options.Seed.Secret("postgres superuser"));
    }

    public override string Name => "PostgreSQL";

    /// <summary>Beside the database's own folder, which must be empty when it is made.</summary>
    private string TlsFolder => _folder + ".tls";

    public PostgresFacts Facts { get; }

    private protected override async Task PrepareAsync(CancellationToken cancel)
    {
        if (Options.Certificate is { } certificate)
            await certificate.PlaceAsync(TlsFolder, Account, cancel);
        if (Directory.Exists(_folder) && Directory.EnumerateFileSystemEntries(_folder).Any())
        {
            if (!File.Exists(Path.Combine(_folder, "PG_VERSION")))
                throw new ToolException($"The data folder is damaged: {_folder} holds no PostgreSQL database (PG_VERSION is missing). Restore it, or start anew with --fresh.");
            return;
        }
        Directory.CreateDirectory(_folder);
        await ServerAccount.OwnAsync(_folder, Account, cancel);
        await InitializeAsync(cancel);
    }

    private async Task InitializeAsync(CancellationToken cancel)
    {
        var passwordFile = Path.Combine(_folder + ".password");
        PrivateFile.Write(passwordFile, Facts.AdminPassword);
        await ServerAccount.OwnAsync(passwordFile, Account, cancel);
        string[] durability = Options.Durable ? [] : ["--no-sync"];
        var initdb = await ChildProcess.StartAsync(new("initdb", Path.Combine(_programs, "initdb"), [
            "--pgdata", _folder, "--username", PostgresFacts.Admin, "--pwfile", passwordFile, "--auth", "scram-sha-256",
            "--encoding", "UTF8", "--locale", "C", "--no-instructions", .. durability])
        {
            LogFile = Options.LogFile("postgres"),
            RunAs = ServerAccount.Named(Account),
        }, Options.Ledger);
        var code = await initdb.Exited.WaitAsync(cancel);
        File.Delete(passwordFile);
        if (code != 0)
            throw new ToolException($"PostgreSQL could not make its database in {_folder}. Its log {initdb.Spec.LogFile} closes with:\n{initdb.LastLines()}");
    }

    /// <summary>The children of a killed server let go of its memory a moment after it.</summary>
    private protected override bool EndedInPassing(string lastLines) => lastLines.Contains("pre-existing shared memory block", StringComparison.Ordinal);

    private protected override ProcessSpec Spec()
    {
        // No Unix socket: its path may be at most 107 bytes long, and a data folder's may be longer.
        string[] settings = ["listen_addresses=127.0.0.1", $"port={Facts.Port}", "unix_socket_directories=", "max_connections=200",
            "shared_buffers=128MB", "jit=off", "log_min_duration_statement=2s", "log_line_prefix=%m %u@%d "];
        // Commits still wait for the write, so that what a killed server had confirmed is there when it starts again.
        string[] durability = Options.Durable ? [] : ["fsync=off", "full_page_writes=off"];
        string[] tls = Options.Certificate is null ? [] : ["ssl=on", $"ssl_cert_file={TlsFolder}/tls.crt", $"ssl_key_file={TlsFolder}/tls.key"];
        return new("postgres", Path.Combine(_programs, "postgres"), ["-D", _folder, .. settings.Concat(durability).Concat(tls).SelectMany(setting => (string[])["-c", setting])])
        {
            LogFile = Options.LogFile("postgres"),
            RunAs = ServerAccount.Named(Account),
            // "Fast": rolls back what is open instead of waiting for clients to leave.
            StopSignal = Signal.Int,
            ParentDeathSignal = Signal.Int,
        };
    }

    private protected override async Task<bool> AnswersAsync(CancellationToken cancel)
    {
        await using var connection = new NpgsqlConnection(Facts.AdminConnection() + ";Pooling=false");
        await connection.OpenAsync(cancel);
        return true;
    }
}
