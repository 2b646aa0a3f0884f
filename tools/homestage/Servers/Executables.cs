using System.Globalization;

namespace HomeStage.Tool.Servers;

/// <summary>Finds servers' programs where Debian puts them and on the PATH.</summary>
internal static class Executables
{
    public const int OldestPostgres = 15;

    private static readonly string[] SystemFolders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    /// <summary>The folder with <c>initdb</c> and <c>postgres</c> of the newest PostgreSQL that is new enough.</summary>
    public static string? PostgresFolder() =>
        NewestPostgres(Folders("/usr/lib/postgresql"))
        ?? (OnPath("initdb") is { } initdb && OnPath("postgres") is not null ? Path.GetDirectoryName(initdb) : null);

    /// <summary>Debian's own start script insists on root; the one it wraps does not.</summary>
    public static string? RabbitMqServer() =>
        File.Exists("/usr/lib/rabbitmq/bin/rabbitmq-server") ? "/usr/lib/rabbitmq/bin/rabbitmq-server" : OnPath("rabbitmq-server");

    public static string? Epmd() =>
        OnPath("epmd") ?? Folders("/usr/lib/erlang").Select(folder => Path.Combine(folder, "bin", "epmd")).FirstOrDefault(File.Exists);

    public static string? RedisServer() => OnPath("redis-server");

    public static string? OnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Concat(SystemFolders)
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);

    /// <summary>Of folders named by their major version, <c>…/15</c>, the <c>bin</c> of the newest one that will do.</summary>
    internal static string? NewestPostgres(IEnumerable<string> versionFolders) => versionFolders
        .Select(folder => (Bin: Path.Combine(folder, "bin"), Version: MajorVersion(folder)))
        .Where(found => found.Version >= OldestPostgres && File.Exists(Path.Combine(found.Bin, "initdb")) && File.Exists(Path.Combine(found.Bin, "postgres")))
        .OrderByDescending(found => found.Version)
        .Select(found => found.Bin)
        .FirstOrDefault();

    private static int MajorVersion(string folder) =>
        int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var version) ? version : 0;

    private static IEnumerable<string> Folders(string parent) => Directory.Exists(parent) ? Directory.EnumerateDirectories(parent) : [];
}
