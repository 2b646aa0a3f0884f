using System.Net;
using System.Net.Sockets;
using HomeStage.Hosting.Messaging;
using HomeStage.Testing;
using HomeStage.Tool.Servers;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;

namespace HomeStage.Hosting.Tests.Messaging;

public sealed class BrokerReachableTests(TestServers servers)
{
    private readonly BrokerReachable _reachable = new(NullLogger<BrokerReachable>.Instance);

    [Fact]
    public async Task Waits_for_a_broker_that_is_not_there_yet()
    {
        var port = FreePorts.Next();
        var broker = new Uri(servers.RabbitMq.Url(RabbitMqFacts.Admin));
        var factory = new ConnectionFactory { Uri = new UriBuilder(broker) { Port = port }.Uri };
        using var late = new TcpListener(IPAddress.Loopback, port);

        var waiting = _reachable.WaitAsync(factory, TestContext.Current.CancellationToken);
        await Should.ThrowAsync<SocketException>(() => new TcpClient().ConnectAsync(IPAddress.Loopback, port));
        waiting.IsCompleted.ShouldBeFalse();
        late.Start();
        using var arrived = await late.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        using var onward = new TcpClient(broker.Host, broker.Port);
        var relaying = Task.WhenAll(arrived.GetStream().CopyToAsync(onward.GetStream()), onward.GetStream().CopyToAsync(arrived.GetStream()));

        await waiting;
    }

    [Fact]
    public async Task Leaves_a_refused_password_to_be_reported()
    {
        var right = new Uri(servers.RabbitMq.Url(RabbitMqFacts.Admin));
        var factory = new ConnectionFactory { Uri = new UriBuilder(right) { Password = "another" }.Uri };

        await _reachable.WaitAsync(factory, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Ends_with_the_service()
    {
        using var stopping = new CancellationTokenSource();
        var waiting = _reachable.WaitAsync(new ConnectionFactory { HostName = "127.0.0.1", Port = FreePorts.Next() }, stopping.Token);

        await stopping.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => waiting);
    }
}
