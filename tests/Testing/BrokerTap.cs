using System.Buffers.Binary;
using System.Net.Sockets;
using HomeStage.Tool.Servers;

namespace HomeStage.Testing;

/// <summary>
/// Stands between a service's process and RabbitMQ, understands enough of AMQP 0-9-1 to count what is done with messages, and has the
/// process killed after the n-th step. A step is a request for a message, the message that answers it, a message published, a confirmation,
/// an acknowledgement; each with all of its content, and it has reached the other side.
/// </summary>
/// <remarks>See the AMQP 0-9-1 specification, "Transport Layer" and "basic". Give the service <see cref="Through"/> as its address.</remarks>
public sealed class BrokerTap : Tap
{
    private Trigger? _trigger;
    private long _muted;
    private long _connections;

    private BrokerTap(int server)
        : base(server)
    {
    }

    /// <summary>Starts a tap in front of a server on loopback.</summary>
    public static BrokerTap Start(RabbitMqFacts rabbitMq) => new(rabbitMq.Port);

    /// <summary>The same address, through the tap.</summary>
    public string Through(string url) => new UriBuilder(url) { Host = "127.0.0.1", Port = Port }.Uri.ToString();

    /// <summary>Has the process killed after the n-th step from now; nothing that it sends afterwards arrives.</summary>
    /// <param name="step">Counted from 1.</param>
    /// <param name="kill">SIGKILL: <see cref="ServiceProcess.KillAsync"/>.</param>
    public void Arm(int step, Func<Task> kill) => Volatile.Write(ref _trigger, new Trigger(step, kill));

    /// <summary>Counts no more. True if the step was never reached, so that nothing was killed.</summary>
    public bool Disarm() => Interlocked.Exchange(ref _trigger, null) is not { Reached: true };

    /// <summary>Lets no confirmation through any more on the connections there are; heartbeats and everything else pass, and so does all of new connections.</summary>
    public void Mute() => Interlocked.Exchange(ref _muted, Interlocked.Read(ref _connections));

    private protected override async Task ConverseAsync(NetworkStream client, NetworkStream server, CancellationToken cancellationToken)
    {
        // "AMQP" and the version, which no frame holds.
        var greeting = new byte[8];
        await client.ReadExactlyAsync(greeting, cancellationToken);
        await server.WriteAsync(greeting, cancellationToken);
        var number = Interlocked.Increment(ref _connections);
        await Task.WhenAny(
            ForwardAsync(client, server, _ => true, cancellationToken),
            ForwardAsync(server, client, frame => !Steps.IsAck(frame) || number > Interlocked.Read(ref _muted), cancellationToken)).Unwrap();
    }

    private async Task ForwardAsync(NetworkStream from, NetworkStream to, Func<byte[], bool> passes, CancellationToken cancellationToken)
    {
        var source = new BufferedStream(from);
        var steps = new Steps();
        while (true)
        {
            var frame = await ReadAsync(source, cancellationToken);
            var trigger = Volatile.Read(ref _trigger);
            if (trigger is { Reached: true })
                await Task.Delay(Timeout.Infinite, cancellationToken);
            if (passes(frame))
                await to.WriteAsync(frame, cancellationToken);
            if (!steps.Ends(frame) || trigger?.Count() is not true)
                continue;
            await trigger.Kill();
            return;
        }
    }

    /// <summary>One frame: type, channel, the payload's length, the payload, an end mark.</summary>
    private static async Task<byte[]> ReadAsync(BufferedStream source, CancellationToken cancellationToken)
    {
        var header = new byte[7];
        await source.ReadExactlyAsync(header, cancellationToken);
        var frame = new byte[header.Length + BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(3)) + 1];
        header.CopyTo(frame, 0);
        await source.ReadExactlyAsync(frame.AsMemory(header.Length), cancellationToken);
        return frame;
    }

    /// <summary>What one side of a connection says, frame by frame; the channel that is used one at a time is the only one.</summary>
    private sealed class Steps
    {
        private const int Basic = 60;
        private const int Publish = 40;
        private const int Get = 70;
        private const int GetOk = 71;
        private const int Ack = 80;

        private bool _hasContent;
        private long _missing;

        /// <summary>Whether it is a <c>basic.ack</c>; from the broker that is a confirmation.</summary>
        public static bool IsAck(byte[] frame) =>
            frame[0] == 1 && BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(7)) == Basic && BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(9)) == Ack;

        /// <summary>Whether a step ends with this frame.</summary>
        public bool Ends(byte[] frame)
        {
            var payload = frame.AsSpan(7, frame.Length - 8);
            switch (frame[0])
            {
                case 1 when BinaryPrimitives.ReadUInt16BigEndian(payload) == Basic:
                    var method = BinaryPrimitives.ReadUInt16BigEndian(payload[2..]);
                    _hasContent = method is Publish or GetOk;
                    return method is Get or Ack;
                case 2 when _hasContent:
                    _missing = BinaryPrimitives.ReadInt64BigEndian(payload[4..]);
                    return _missing == 0;
                case 3 when _hasContent:
                    _missing -= payload.Length;
                    return _missing == 0;
                default:
                    return false;
            }
        }
    }

    private sealed class Trigger(int step, Func<Task> kill)
    {
        private int _left = step;

        public bool Reached => Volatile.Read(ref _left) <= 0;

        public bool Count() => Interlocked.Decrement(ref _left) == 0;

        public Task Kill() => kill();
    }
}
