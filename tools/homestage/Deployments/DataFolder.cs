using System.Security.Cryptography;
using System.Text;
using HomeStage.Tool.Processes;
using HomeStage.Tool.Servers;

namespace HomeStage.Tool.Deployments;

/// <summary>The folder that holds one deployment's data, secrets and logs, and where in it each thing is.</summary>
internal sealed class DataFolder(string path)
{
    /// <summary>The folder of this clone, used when none is named.</summary>
    public static string Default => Path.Combine(SourceTree.Root, ".homestage");

    public string FullPath { get; } = Path.GetFullPath(path);

    public string EnvFile => In("env");

    public string SeedFile => In("seed");

    public string LockFile => In("lock");

    public string RunFile => In("run");

    public string LedgerFile => In("processes");

    public string SessionFile => In("session");

    /// <summary>The session at a system that runs elsewhere.</summary>
    public string SessionFileAt(Uri system) => In($"session-{system.Scheme}-{system.IdnHost.Replace(':', '_')}-{system.Port}");

    public string Logs => In("logs");

    public string IdentityKeys => In("identity");

    public string CookieKeys => In("cookie-keys");

    public string Blobs => In("blobs");

    public string Certificate => In(Path.Combine("tls", "localhost.crt"));

    public string CertificateKey => In(Path.Combine("tls", "localhost.key"));

    public string StripeSimulatorFile => In("stripe-simulator.json");

    /// <summary>
    /// Where the servers keep their data. As root they run as other accounts, which cannot get through a private folder such as
    /// /root: then it is a folder of the same name everywhere, below /var/lib.
    /// </summary>
    public string Servers => ServersFolder(ServerAccount.IsRoot, ServerAccount.CanBeReachedByOthers(In("servers")));

    public bool IsNew => !Directory.Exists(Servers) && !File.Exists(SeedFile);

    public ProcessLedger Ledger => new(LedgerFile);

    internal string ServersFolder(bool isRoot, bool canBeReached) => !isRoot || canBeReached
        ? In("servers")
        : Path.Combine("/var/lib/homestage", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(FullPath)))[..12]);

    /// <summary>Empties the folder, but for the lock that its caller holds.</summary>
    public void Clear()
    {
        if (Directory.Exists(Servers))
            Directory.Delete(Servers, recursive: true);
        foreach (var entry in new DirectoryInfo(FullPath).EnumerateFileSystemInfos().Where(entry => entry.FullName != LockFile))
        {
            if (entry is DirectoryInfo folder)
                folder.Delete(recursive: true);
            else
                entry.Delete();
        }
    }

    /// <summary>The seed of the folder's secrets; a new folder gets one.</summary>
    /// <exception cref="ToolException">The folder has data but no readable seed, so nothing could open that data.</exception>
    public DevelopmentSeed Seed()
    {
        if (IsNew)
            PrivateFile.Write(SeedFile, DevelopmentSeed.Create().ToString());
        return ReadSeed() ?? throw new ToolException(
            $"The data folder {FullPath} is damaged: its file 'seed', from which all its passwords follow, is missing or unreadable. Restore it, or start anew with --fresh.");
    }

    private DevelopmentSeed? ReadSeed()
    {
        try
        {
            return DevelopmentSeed.Parse(File.ReadAllText(SeedFile).Trim());
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private string In(string name) => Path.Combine(FullPath, name);
}
