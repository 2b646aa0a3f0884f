using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace HomeStage.Tool.Servers;

/// <summary>The file from which RabbitMQ makes its users, virtual host and permissions at each start.</summary>
internal static class BrokerDefinitions
{
    private const int SaltSize = 4;

    public static string Json(RabbitMqFacts facts) => JsonSerializer.Serialize(new
    {
        users = facts.Passwords
            .Select(user => User(user.Key, user.Value, user.Key == BrokerPermissions.ScalerUser ? ["monitoring"] : []))
            .Append(User(RabbitMqFacts.Admin, facts.AdminPassword, "administrator")),
        vhosts = new[] { new { name = RabbitMqFacts.DefaultVirtualHost } },
        permissions = BrokerPermissions.Users
            .Select(user => Permission(user, BrokerPermissions.Of(user)))
            .Append(Permission(RabbitMqFacts.Admin, new(".*", ".*", ".*"))),
    });

    /// <summary>RabbitMQ's own scheme: base64 of salt and SHA-256 over salt and password.</summary>
    internal static string Hash(string password, ReadOnlySpan<byte> salt)
    {
        byte[] hash = [.. salt, .. SHA256.HashData([.. salt, .. Encoding.UTF8.GetBytes(password)])];
        return Convert.ToBase64String(hash);
    }

    private static object User(string name, string password, params string[] tags) => new
    {
        name,
        password_hash = Hash(password, RandomNumberGenerator.GetBytes(SaltSize)),
        hashing_algorithm = "rabbit_password_hashing_sha256",
        tags,
        limits = new { },
    };

    private static object Permission(string user, BrokerPermission permission) => new
    {
        user,
        vhost = RabbitMqFacts.DefaultVirtualHost,
        configure = permission.Configure,
        write = permission.Write,
        read = permission.Read,
    };
}
