using HomeStage.Imaging.Outputs;
using HomeStage.Tool;

namespace HomeStage.Worker.Tests.Scene;

/// <summary>The project's own picture of a room.</summary>
internal static class Pictures
{
    /// <summary>An empty room, a JPEG.</summary>
    public static byte[] Room { get; } = File.ReadAllBytes(Path.Combine(SourceTree.Root, "samples", "empty-room.jpg"));

    /// <summary>The same at the size of a provider's answer.</summary>
    public static byte[] OfSize(int width, int height) => ProviderFrame.Around(Room, width, height).Bytes;
}
