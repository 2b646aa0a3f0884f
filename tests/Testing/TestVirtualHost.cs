using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HomeStage.Tool.Servers;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Xunit;

namespace HomeStage.Testing;

/// <summary>A virtual host of one test, with the permissions of the real one.</summary>
public sealed class TestVirtualHost : IAsyncDisposable
{
    private readonly RabbitMqFacts _rabbitMq;
    private readonly HttpClient _management;

    private TestVirtualHost(RabbitMqFacts rabbitMq, string name)
    {
        _rabbitMq = rabbitMq;
        _management = ManagementApi.Client(rabbitMq);
        Name = name;
    }

    /// <summary>The virtual host's name.</summary>
    public string Name { get; }

    /// <summary><c>MIGRATE_RABBITMQ_URL</c>: the user that may declare everything.</summary>
    public string MigrateUrl => Url(BrokerPermissions.MigrateUser);

    /// <summary>The administrator's URL, for a test that plays the rest of the system.</summary>
    public string AdminUrl => Url(RabbitMqFacts.Admin);

    /// <summary><c>RABBITMQ_URL</c> of a service: <c>billing</c>, <c>entitlements</c>, <c>staging-api</c>, <c>staging-worker</c>.</summary>
    public string Url(string user) => _rabbitMq.Url(user, Name);

    /// <summary>Makes a virtual host on any RabbitMQ, also on one that a test started for itself.</summary>
    public static async Task<TestVirtualHost> CreateAsync(RabbitMqFacts rabbitMq)
    {
        var name = $"test-{Guid.NewGuid():N}"[..20];
        await ManagementApi.CreateVirtualHostAsync(rabbitMq, name, TestContext.Current.CancellationToken);
        return new(rabbitMq, name);
    }

    /// <summary>Takes up to <paramref name="count"/> messages off a queue and gives their bodies.</summary>
    /// <exception cref="HttpRequestException">There is no such queue.</exception>
    public async Task<IReadOnlyList<string>> TakeAsync(string queue, int count = 100)
    {
        using var answer = await _management.PostAsJsonAsync($"queues/{Name}/{Uri.EscapeDataString(queue)}/get",
            new { count, ackmode = "ack_requeue_false", encoding = "auto" }, TestContext.Current.CancellationToken);
        answer.EnsureSuccessStatusCode();
        var messages = await answer.Content.ReadFromJsonAsync<JsonArray>(TestContext.Current.CancellationToken);
        return [.. messages!.Select(message => (string)message!["payload"]!)];
    }

    /// <summary>How many messages of a queue wait to be delivered, as the broker counts them now.</summary>
    /// <exception cref="OperationInterruptedException">There is no such queue.</exception>
    public async Task<long> MessagesAsync(string queue)
    {
        // Not the management API's figures: those are seconds old.
        var factory = new ConnectionFactory { Uri = new Uri(AdminUrl) };
        await using var connection = await factory.CreateConnectionAsync(TestContext.Current.CancellationToken);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: TestContext.Current.CancellationToken);
        return await channel.MessageCountAsync(queue, TestContext.Current.CancellationToken);
    }

    /// <summary>The names of the queues that exist.</summary>
    public async Task<IReadOnlyList<string>> QueuesAsync()
    {
        var queues = await _management.GetFromJsonAsync<JsonArray>($"queues/{Name}", TestContext.Current.CancellationToken);
        return [.. queues!.Select(queue => (string)queue!["name"]!)];
    }

    /// <summary>
    /// Closes the connections of a service, as an operator or a failing node does. Waits until that for publishing and that for consuming are known
    /// to the broker's statistics, which is some seconds after they were opened.
    /// </summary>
    public Task CloseConnectionsAsync(string user) => Eventually.Async(
        async () =>
        {
            var connections = await _management.GetFromJsonAsync<JsonArray>($"vhosts/{Name}/connections", TestContext.Current.CancellationToken);
            var known = connections!.Where(connection => (string?)connection!["user"] == user).ToList();
            if (((string[])["publishing", "consuming"]).Any(what => !known.Exists(connection => (string?)connection!["user_provided_name"] == $"{user} {what}")))
                return false;
            foreach (var connection in known)
            {
                using var answer = await _management.DeleteAsync(
                    new Uri($"connections/{Uri.EscapeDataString((string)connection!["name"]!)}", UriKind.Relative), TestContext.Current.CancellationToken);
                answer.EnsureSuccessStatusCode();
            }

            return true;
        },
        $"the connections of {user} were closed");

    /// <summary>Removes the virtual host; connections to it are closed.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await ManagementApi.DeleteVirtualHostAsync(_rabbitMq, Name);
        }
        catch (HttpRequestException)
        {
            // The server was a test's own and is gone, with the virtual host.
        }
        _management.Dispose();
    }
}
