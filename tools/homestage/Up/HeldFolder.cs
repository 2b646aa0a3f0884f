using HomeStage.Tool.Deployments;
using HomeStage.Tool.Servers;

namespace HomeStage.Tool.Up;

/// <summary>A data folder that is this process's alone until disposed, with nothing of an earlier run left in it.</summary>
internal sealed class HeldFolder : IAsyncDisposable
{
    private readonly FileStream _lock;

    private HeldFolder(DataFolder data, FileStream held) => (Data, _lock) = (data, held);

    public DataFolder Data { get; }

    /// <exception cref="ToolException">Another <c>up</c> has the folder, or it cannot be written.</exception>
    public static async Task<HeldFolder> TakeAsync(DataFolder data, bool fresh, CancellationToken cancel)
    {
        try
        {
            Directory.CreateDirectory(data.FullPath);
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            throw new ToolException($"The data folder {data.FullPath} cannot be made: {denied.Message}", denied);
        }
        var held = FolderLock.TryTake(data.LockFile) ?? throw new ToolException(
            $"Another 'homestage up' runs on {data.FullPath}{(RunFile.Find(data) is { } other ? $" (process {other.ProcessId})" : "")}. Stop it with 'homestage down', or name another folder with --data.");
        try
        {
            await data.Ledger.EndLeftoversAsync(cancel);
            if (fresh)
                data.Clear();
            RunFile.WriteStarting(data);
            return new(data, held);
        }
        catch
        {
            await held.DisposeAsync();
            throw;
        }
    }

    /// <exception cref="ToolException">Somebody listens there already.</exception>
    public static void RequireFree(int port)
    {
        if (!FreePorts.IsFree(port))
            throw new ToolException($"Port {port} is in use by another program. Choose a free one with --port.");
    }

    public async ValueTask DisposeAsync()
    {
        File.Delete(Data.RunFile);
        await _lock.DisposeAsync();
    }
}
