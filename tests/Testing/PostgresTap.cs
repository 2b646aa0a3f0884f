using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using HomeStage.Tool.Servers;
using Npgsql;

namespace HomeStage.Testing;

/// <summary>When, around a statement, the process is killed. The server has carried the statement out either way.</summary>
public enum KillMoment
{
    /// <summary>The server has answered, and the process never learns it.</summary>
    BeforeAnswer,

    /// <summary>The process has the answer, and nothing that it sends afterwards arrives.</summary>
    AfterAnswer,
}

/// <summary>
/// Stands between a service's process and PostgreSQL, understands enough of the protocol to count statements, and has the process
/// killed at the n-th. A statement is what the server answers with ReadyForQuery: a simple query, or a batch that ends with Sync.
/// </summary>
/// <remarks>See PostgreSQL's documentation, "Frontend/Backend Protocol". Give the service <see cref="Through"/> as its connection.</remarks>
public sealed class PostgresTap : Tap
{
    private const int SslRequest = 80877103;
    private const int GssEncryptionRequest = 80877104;

    private Trigger? _trigger;

    private PostgresTap(int server)
        : base(server)
    {
    }

    /// <summary>Starts a tap in front of a server on loopback.</summary>
    public static PostgresTap Start(PostgresFacts postgres) => new(postgres.Port);

    /// <summary>The same connection string, through the tap.</summary>
    public string Through(string connection) => new NpgsqlConnectionStringBuilder(connection) { Host = "127.0.0.1", Port = Port }.ConnectionString;

    /// <summary>
    /// Has the process killed at the <paramref name="statement"/>-th counted statement from now. Counted is what
    /// <paramref name="belongs"/> accepts, and then everything on the same connection until its transaction ends, commit included; what
    /// runs beside it (polls, other requests) does not disturb the count.
    /// </summary>
    /// <param name="statement">Counted from 1.</param>
    /// <param name="moment">Before or after the process has the answer.</param>
    /// <param name="belongs">Whether a statement outside a counted transaction begins one, by its SQL.</param>
    /// <param name="kill">SIGKILL: <see cref="ServiceProcess.KillAsync"/>.</param>
    public void Arm(int statement, KillMoment moment, Func<string, bool> belongs, Func<Task> kill) =>
        Volatile.Write(ref _trigger, new Trigger(statement, moment, belongs, kill));

    /// <summary>Counts no more. True if the statement was never reached, so that nothing was killed.</summary>
    public bool Disarm() => Interlocked.Exchange(ref _trigger, null) is not { Reached: true };

    private protected override async Task ConverseAsync(NetworkStream client, NetworkStream server, CancellationToken cancellationToken)
    {
        await StartAsync(client, server, cancellationToken);
        var conversation = new Conversation();
        await Task.WhenAny(
            ForwardQuestionsAsync(client, server, conversation, cancellationToken),
            ForwardAnswersAsync(server, client, conversation, cancellationToken)).Unwrap();
    }

    /// <summary>The packets before the first message have no type: offers of encryption, which are declined, then the startup or a cancel request.</summary>
    private static async Task StartAsync(NetworkStream client, NetworkStream server, CancellationToken cancellationToken)
    {
        while (true)
        {
            var header = new byte[8];
            await client.ReadExactlyAsync(header, cancellationToken);
            var code = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4));
            if (code is SslRequest or GssEncryptionRequest)
            {
                await client.WriteAsync("N"u8.ToArray(), cancellationToken);
                continue;
            }

            var rest = new byte[BinaryPrimitives.ReadInt32BigEndian(header) - header.Length];
            await client.ReadExactlyAsync(rest, cancellationToken);
            await server.WriteAsync((byte[])[.. header, .. rest], cancellationToken);
            return;
        }
    }

    private async Task ForwardQuestionsAsync(NetworkStream from, NetworkStream to, Conversation conversation, CancellationToken cancellationToken)
    {
        var source = new BufferedStream(from);
        var sql = new StringBuilder();
        while (true)
        {
            var message = await ReadAsync(source, cancellationToken);
            switch ((char)message[0])
            {
                case 'P':
                    // The statement's name comes first; what is not prepared has none.
                    var name = message.AsSpan(5).IndexOf((byte)0);
                    sql.Append(TextAt(message, 5 + name + 1)).Append('\n');
                    break;
                case 'Q':
                    conversation.Ask(Volatile.Read(ref _trigger), TextAt(message, 5));
                    break;
                case 'S':
                    conversation.Ask(Volatile.Read(ref _trigger), sql.ToString());
                    sql.Clear();
                    break;
            }

            await to.WriteAsync(message, cancellationToken);
            if (conversation.Doomed)
                await Task.Delay(Timeout.Infinite, cancellationToken);
        }
    }

    private static async Task ForwardAnswersAsync(NetworkStream from, NetworkStream to, Conversation conversation, CancellationToken cancellationToken)
    {
        var source = new BufferedStream(from);
        while (true)
        {
            var message = await ReadAsync(source, cancellationToken);
            var fatal = conversation.Awaited?.Fatal;
            var ready = (char)message[0] == 'Z';
            // Before the process knows it, and asks the next.
            if (ready)
                conversation.Answered(inTransaction: (char)message[5] != 'I');
            if (fatal?.Moment != KillMoment.BeforeAnswer)
                await to.WriteAsync(message, cancellationToken);
            if (!ready || fatal is null)
                continue;
            await fatal.Kill();
            return;
        }
    }

    /// <summary>One message: its type, its length (which counts itself but not the type), its content.</summary>
    private static async Task<byte[]> ReadAsync(BufferedStream source, CancellationToken cancellationToken)
    {
        var header = new byte[5];
        await source.ReadExactlyAsync(header, cancellationToken);
        var message = new byte[1 + BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(1))];
        header.CopyTo(message, 0);
        await source.ReadExactlyAsync(message.AsMemory(header.Length), cancellationToken);
        return message;
    }

    private static string TextAt(byte[] message, int start) =>
        Encoding.UTF8.GetString(message, start, Array.IndexOf(message, (byte)0, start) - start);

    private sealed class Trigger(int statement, KillMoment moment, Func<string, bool> belongs, Func<Task> kill)
    {
        private int _left = statement;

        public KillMoment Moment => moment;

        public bool Reached => Volatile.Read(ref _left) <= 0;

        public bool Begins(string sql) => belongs(sql);

        public bool Count() => Interlocked.Decrement(ref _left) == 0;

        public Task Kill() => kill();
    }

    /// <summary>One connection's statements that wait for their answer, in order.</summary>
    private sealed class Conversation
    {
        private readonly ConcurrentQueue<Question> _open = new();
        private Trigger? _counting;

        public bool Doomed { get; private set; }

        public Question? Awaited => _open.TryPeek(out var question) ? question : null;

        public void Ask(Trigger? trigger, string sql)
        {
            if (trigger is null || trigger != _counting)
                _counting = null;
            if (trigger is not null && trigger.Begins(sql))
                _counting = trigger;
            var fatal = _counting?.Count() is true ? _counting : null;
            Doomed |= fatal is not null;
            _open.Enqueue(new Question(fatal));
        }

        /// <summary>The server is ready for the next one; the first time, after the sign-in, nothing was asked.</summary>
        public void Answered(bool inTransaction)
        {
            _open.TryDequeue(out _);
            if (!inTransaction && _open.IsEmpty)
                _counting = null;
        }
    }

    private sealed record Question(Trigger? Fatal);
}
