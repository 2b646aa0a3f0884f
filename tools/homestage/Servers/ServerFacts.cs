using Npgsql;

namespace HomeStage.Tool.Servers;

/// <summary>How to reach the servers that run; can be written as JSON and read by another process.</summary>
/// <param name="Postgres">Null if no PostgreSQL was asked for.</param>
/// <param name="RabbitMq">Null if no RabbitMQ was asked for.</param>
/// <param name="Redis">Null if no Redis was asked for.</param>
public sealed record ServerFacts(PostgresFacts? Postgres, RabbitMqFacts? RabbitMq, RedisFacts? Redis);

/// <summary>PostgreSQL on 127.0.0.1 with scram passwords.</summary>
/// <param name="Port">TCP port.</param>
/// <param name="AdminPassword">Of the superuser <c>postgres</c>.</param>
public sealed record PostgresFacts(int Port, string AdminPassword)
{
    /// <summary>Where it is: on this machine, or by its name in a network of containers.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>Whether connections are encrypted, and the server's certificate and name verified.</summary>
    public bool Verified { get; init; }

    /// <summary>The name of the superuser.</summary>
    public const string Admin = "postgres";

    /// <summary>An Npgsql connection string of the superuser.</summary>
    public string AdminConnection(string database = "postgres") => Connection(database, Admin, AdminPassword);

    /// <summary>An Npgsql connection string of any role; its pool is bounded so that all services together fit the server.</summary>
    public string Connection(string database, string role, string password)
    {
        var connection = new NpgsqlConnectionStringBuilder
        {
            Host = Host,
            Port = Port,
            Database = database,
            Username = role,
            Password = password,
            Timeout = 5,
            MaxPoolSize = 30,
        };
        if (Verified)
            connection.SslMode = SslMode.VerifyFull;
        return connection.ConnectionString;
    }
}

/// <summary>RabbitMQ on 127.0.0.1 with its management HTTP API.</summary>
/// <param name="Port">AMQP port.</param>
/// <param name="ManagementPort">Port of the HTTP API.</param>
/// <param name="AdminPassword">Of <see cref="Admin"/>, which may do everything.</param>
/// <param name="Passwords">Of the services' users and of <c>migrate</c>, by user name.</param>
public sealed record RabbitMqFacts(int Port, int ManagementPort, string AdminPassword, IReadOnlyDictionary<string, string> Passwords)
{
    /// <summary>The name of the administrator.</summary>
    public const string Admin = "admin";

    /// <summary>The virtual host that the system uses.</summary>
    public const string DefaultVirtualHost = "homestage";

    /// <summary>Where it is: on this machine, or by its name in a network of containers.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <inheritdoc cref="PostgresFacts.Verified"/>
    public bool Verified { get; init; }

    /// <summary>AMQP over TLS, where the server has a certificate.</summary>
    public int? TlsPort { get; init; }

    /// <summary>Base address of the management HTTP API, without credentials; it ends with <c>/api/</c>.</summary>
    public Uri Management => new($"http://127.0.0.1:{ManagementPort}/api/");

    /// <summary>An AMQP URL for one of the users in <see cref="Passwords"/>, or for <see cref="Admin"/>.</summary>
    public string Url(string user, string virtualHost = DefaultVirtualHost) =>
        $"{(Verified ? "amqps" : "amqp")}://{user}:{(user == Admin ? AdminPassword : Passwords[user])}@{Host}:{Port}/{Uri.EscapeDataString(virtualHost)}";
}

/// <summary>Redis on 127.0.0.1.</summary>
/// <param name="Port">TCP port.</param>
/// <param name="Password">Of the default user.</param>
public sealed record RedisFacts(int Port, string Password)
{
    /// <summary>Where it is: on this machine, or by its name in a network of containers.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <inheritdoc cref="PostgresFacts.Verified"/>
    public bool Verified { get; init; }

    /// <summary>TLS, where the server has a certificate.</summary>
    public int? TlsPort { get; init; }

    /// <summary>A StackExchange.Redis connection string.</summary>
    public string Connection => $"{Host}:{Port},{(Verified ? "ssl=true," : "")}password={Password}";
}
