using System.Security.Cryptography;
using HomeStage.Tool.Servers;

namespace HomeStage.Tool.Deployments;

/// <summary>The gateway's cookie keys: files of 64 random bytes in base64, oldest name first; the newest encrypts.</summary>
internal static class CookieKeys
{
    private const int Size = 64;

    public static void Ensure(string folder)
    {
        Directory.CreateDirectory(folder);
        if (!Directory.EnumerateFiles(folder, "*.key").Any())
            PrivateFile.Write(Path.Combine(folder, "0001.key"), New());
    }

    /// <summary>A new key, as the gateway reads it.</summary>
    public static string New() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(Size)) + "\n";
}
