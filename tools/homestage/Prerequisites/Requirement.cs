using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using HomeStage.Tool.Servers;

namespace HomeStage.Tool.Prerequisites;

/// <summary>A program or library of the distribution that a command needs.</summary>
/// <param name="Name">As a person knows it.</param>
/// <param name="Packages">Debian's names for it; distributions differ, so the first that exists is taken.</param>
/// <param name="IsPresent">Looks for it.</param>
internal sealed record Requirement(string Name, string[] Packages, Func<bool> IsPresent)
{
    public static Requirement[] ToRun { get; } =
    [
        new($"PostgreSQL {Executables.OldestPostgres} or newer", ["postgresql"], () => Executables.PostgresFolder() is not null),
        new("RabbitMQ", ["rabbitmq-server"], () => Executables.RabbitMqServer() is not null && Executables.Epmd() is not null),
        new("Redis", ["redis-server"], () => Executables.RedisServer() is not null),
        new("libvips", ["libvips42", "libvips42t64"], HasLibvips),
    ];

    /// <summary>What <c>bench gateway</c> compares with.</summary>
    public static Requirement Nginx { get; } = new("nginx", ["nginx"], () => Executables.OnPath("nginx") is not null);

    /// <summary>What <c>up --with-sign-in</c> needs besides.</summary>
    public static Requirement[] ToSignIn { get; } =
    [
        new("Node.js", ["nodejs"], () => Executables.OnPath("node") is not null),
        new("npm", ["npm"], () => Executables.OnPath("npm") is not null),
    ];

    /// <summary>What <c>test</c> needs besides. The vendors' npm packages want a newer Node than a distribution may have: see <see cref="NodeRuntime"/>.</summary>
    public static Requirement[] ToTest { get; } =
    [
        .. ToRun,
        .. ToSignIn,
        new("ClamAV's daemon", ["clamav-daemon"], () => Executables.OnPath("clamd") is not null),
        new("Prometheus", ["prometheus"], () => Executables.OnPath("prometheus") is not null && Executables.OnPath("promtool") is not null),
        new("Chromium", ["chromium", "chromium-browser"], () => Executables.OnPath("chromium") is not null || Executables.OnPath("chromium-browser") is not null),
    ];

    /// <summary>The major version that a program answers to <c>--version</c> with, e.g. 20 for <c>v20.20.2</c>; 0 if it gives none.</summary>
    internal static int MajorVersion(string program)
    {
        using var process = Process.Start(new ProcessStartInfo(program, "--version") { UseShellExecute = false, RedirectStandardOutput = true })!;
        var version = process.StandardOutput.ReadToEnd().Trim().TrimStart('v');
        process.WaitForExit();
        return int.TryParse(version.Split('.')[0], CultureInfo.InvariantCulture, out var major) ? major : 0;
    }

    private static bool HasLibvips()
    {
        if (!NativeLibrary.TryLoad("libvips.so.42", out var library))
            return false;
        NativeLibrary.Free(library);
        return true;
    }
}
