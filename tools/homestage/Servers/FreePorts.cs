using System.Globalization;
using System.Net;
using System.Net.Sockets;
using HomeStage.Tool.Deployments;

namespace HomeStage.Tool.Servers;

/// <summary>
/// TCP ports on 127.0.0.1 for servers that are about to start. They lie below the range from which the kernel takes ports for
/// outgoing connections, so none of those can slip in before the server listens.
/// </summary>
public static class FreePorts
{
    private const int First = 20_000;
    private const int Last = 32_000;
    internal const int BlockSize = 200;

    /// <summary>Files that are named by the first port of a block, and locked by the process that the block belongs to.</summary>
    internal static readonly string Folder = Path.Combine(Path.GetTempPath(), $"homestage-ports-{Environment.UserName}");

    private static readonly Lock Gate = new();
    private static readonly List<FileStream> Blocks = [];
    private static readonly Queue<int> Ours = [];

    /// <summary>A port that is free now and that neither this process nor another that asks here has been given.</summary>
    public static int Next()
    {
        lock (Gate)
        {
            while (true)
            {
                if (Ours.Count == 0)
                    TakeBlock();
                var port = Ours.Dequeue();
                if (IsFree(port))
                    return port;
            }
        }
    }

    /// <summary>Whether a server could listen on this port of 127.0.0.1 now.</summary>
    public static bool IsFree(int port)
    {
        try
        {
            using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
            listener.Listen();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    // A port is given some time before a server listens on it, and a server that starts again finds it free for a moment: so a block of them is
    // this process's for as long as it has the block's file locked.
    private static void TakeBlock()
    {
        Directory.CreateDirectory(Folder);
        var starts = Enumerable.Range(0, (Last - First) / BlockSize).Select(number => First + (number * BlockSize)).ToArray();
        Random.Shared.Shuffle(starts);
        foreach (var start in starts)
        {
            if (FolderLock.TryTake(Path.Combine(Folder, start.ToString(CultureInfo.InvariantCulture))) is not { } taken)
                continue;
            Blocks.Add(taken);
            foreach (var port in Enumerable.Range(start, BlockSize))
                Ours.Enqueue(port);
            return;
        }

        throw new ToolException($"All ports from {First} to {Last} are taken. Stop systems that you no longer need.");
    }
}
