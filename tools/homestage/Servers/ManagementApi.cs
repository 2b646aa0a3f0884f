using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;

namespace HomeStage.Tool.Servers;

/// <summary>RabbitMQ's HTTP API as its administrator.</summary>
public static class ManagementApi
{
    /// <summary>A client whose relative addresses are below <c>/api/</c>, e.g. <c>queues/homestage</c>. The caller disposes of it.</summary>
    public static HttpClient Client(RabbitMqFacts facts)
    {
        var credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{RabbitMqFacts.Admin}:{facts.AdminPassword}"));
        return new HttpClient
        {
            BaseAddress = facts.Management,
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Basic", credentials) },
        };
    }

    /// <summary>Makes a virtual host in which every user of <see cref="BrokerPermissions"/> may do what it may do in the real one.</summary>
    public static async Task CreateVirtualHostAsync(RabbitMqFacts facts, string name, CancellationToken cancel = default)
    {
        using var client = Client(facts);
        await PutAsync(client, $"vhosts/{name}", new { }, cancel);
        await PutAsync(client, $"permissions/{name}/{RabbitMqFacts.Admin}", new { configure = ".*", write = ".*", read = ".*" }, cancel);
        foreach (var user in BrokerPermissions.Users)
        {
            var permission = BrokerPermissions.Of(user);
            await PutAsync(client, $"permissions/{name}/{user}", new { configure = permission.Configure, write = permission.Write, read = permission.Read }, cancel);
        }
    }

    /// <summary>Removes a virtual host with all in it; connections to it are closed.</summary>
    public static async Task DeleteVirtualHostAsync(RabbitMqFacts facts, string name, CancellationToken cancel = default)
    {
        using var client = Client(facts);
        using var answer = await client.DeleteAsync(new Uri($"vhosts/{name}", UriKind.Relative), cancel);
    }

    private static async Task PutAsync(HttpClient client, string path, object body, CancellationToken cancel)
    {
        using var answer = await client.PutAsJsonAsync(path, body, cancel);
        answer.EnsureSuccessStatusCode();
    }
}
