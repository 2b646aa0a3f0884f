using HomeStage.Tool.Processes;

namespace HomeStage.Tool.Servers;

/// <summary>Which private servers shall run, and where.</summary>
public sealed record LocalServersOptions
{
    /// <summary>Holds a folder for each server; made if it is not there. The accounts the servers run as must be able to reach it.</summary>
    public required string Folder { get; init; }

    /// <summary>Where <c>postgres.log</c>, <c>rabbitmq.log</c> and <c>redis.log</c> go; the servers' folder if not said.</summary>
    public string? LogFolder { get; init; }

    /// <summary>What all passwords are made from; keep it as long as the folder.</summary>
    public DevelopmentSeed Seed { get; init; } = DevelopmentSeed.Create();

    /// <summary>Whether a PostgreSQL is wanted.</summary>
    public bool Postgres { get; init; } = true;

    /// <summary>Whether a RabbitMQ is wanted.</summary>
    public bool RabbitMq { get; init; } = true;

    /// <summary>Whether a Redis is wanted.</summary>
    public bool Redis { get; init; } = true;

    /// <summary>Whether data must survive a power cut. Without it servers start, commit and stop faster: for tests.</summary>
    public bool Durable { get; init; }

    /// <summary>With one the servers speak TLS besides.</summary>
    public ServerCertificate? Certificate { get; init; }

    /// <summary>Where started processes are noted, for whoever has to clean up after a crash.</summary>
    internal ProcessLedger? Ledger { get; init; }

    internal string LogFile(string server) => Path.Combine(LogFolder ?? Folder, server + ".log");
}
