using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using HomeStage.Hosting.Configuration;
using HomeStage.Hosting.Problems;

namespace HomeStage.Staging.Photos;

/// <summary>Where ClamAV's daemon listens; null to have nothing looked at.</summary>
internal sealed record VirusScanAddress(EndPoint? EndPoint);

/// <summary>
/// Has files looked at by ClamAV's daemon (its command <c>INSTREAM</c>), if one is configured by <c>CLAMAV_ADDRESS</c>. A daemon that is
/// configured and does not say that a file is clean means 503: nothing goes on unseen.
/// </summary>
internal sealed partial class VirusScan(VirusScanAddress clamd, StagingMetrics metrics, TimeProvider time, ILogger<VirusScan> logger)
{
    private const int ChunkBytes = 64 * 1024;
    private const int LongestReply = 1024;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    /// <summary>Reads <c>CLAMAV_ADDRESS</c>: <c>host:port</c>, or the path of a Unix socket.</summary>
    internal static VirusScanAddress AddressOf(Settings settings)
    {
        if (settings.Optional("CLAMAV_ADDRESS") is not { } text)
            return new VirusScanAddress(null);
        if (Path.IsPathFullyQualified(text))
            return new VirusScanAddress(new UnixDomainSocketEndPoint(text));
        var colon = text.LastIndexOf(':');
        if (colon > 0 && ushort.TryParse(text.AsSpan(colon + 1), out var port) && port > 0 && Uri.CheckHostName(text[..colon].Trim('[', ']')) != UriHostNameType.Unknown)
            return new VirusScanAddress(new DnsEndPoint(text[..colon].Trim('[', ']'), port));
        settings.Refuse("CLAMAV_ADDRESS", "must be host:port, or the absolute path of clamd's Unix socket");
        return new VirusScanAddress(null);
    }

    /// <summary>Returns if the file is clean, or if nothing is configured to look at it.</summary>
    /// <exception cref="ProblemException"><c>image_rejected</c>, reason <c>malware</c>; or <c>unavailable</c>.</exception>
    internal async Task RequireCleanAsync(ReadOnlyMemory<byte> file, CancellationToken cancellationToken)
    {
        if (clamd.EndPoint is not { } address)
            return;
        var reply = await AskAsync(address, file, cancellationToken);
        if (reply == "stream: OK")
            return;
        if (reply.EndsWith(" FOUND", StringComparison.Ordinal))
        {
            Log.Found(logger, reply["stream: ".Length..^" FOUND".Length]);
            metrics.PhotoRead("malware");
            throw new ProblemException(Problem.Result(
                ProblemCode.ImageRejected, "The file contains something harmful and was not stored. Export the photo anew and send that.", ("reason", "malware")));
        }

        // For instance a limit of the daemon that is smaller than a photo may be.
        Log.NotLookedAt(logger, reply, null);
        throw Away();
    }

    private async Task<string> AskAsync(EndPoint address, ReadOnlyMemory<byte> file, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            using var socket = address is UnixDomainSocketEndPoint
                ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
                : new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(address, either.Token);
            await using var stream = new NetworkStream(socket);
            await stream.WriteAsync("zINSTREAM\0"u8.ToArray(), either.Token);
            var length = new byte[4];
            for (var rest = file; rest.Length > 0; rest = rest[Math.Min(ChunkBytes, rest.Length)..])
            {
                var chunk = rest[..Math.Min(ChunkBytes, rest.Length)];
                BinaryPrimitives.WriteInt32BigEndian(length, chunk.Length);
                await stream.WriteAsync(length, either.Token);
                await stream.WriteAsync(chunk, either.Token);
            }

            await stream.WriteAsync(new byte[4], either.Token);
            return await ReadReplyAsync(stream, either.Token);
        }
        catch (Exception error) when (error is SocketException or IOException || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            Log.NotLookedAt(logger, "no answer", error);
            throw Away();
        }
    }

    private static async Task<string> ReadReplyAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        var reply = new byte[LongestReply];
        var length = await stream.ReadAtLeastAsync(reply, reply.Length, throwOnEndOfStream: false, cancellationToken);
        return Encoding.ASCII.GetString(reply, 0, length).TrimEnd('\0', '\n');
    }

    private static ProblemException Away() => new(Problem.Result(
        ProblemCode.Unavailable, "Photos cannot be checked for viruses right now, so none are taken. Try again in a minute."));

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "A photo was refused: ClamAV found {Signature}", EventName = "malware_found")]
        public static partial void Found(ILogger logger, string signature);

        [LoggerMessage(2, LogLevel.Error, "ClamAV did not look at a photo, so it was not taken: {Reply}", EventName = "virus_scan_failed")]
        public static partial void NotLookedAt(ILogger logger, string reply, Exception? exception);
    }
}
