namespace HomeStage.Imaging;

/// <summary>
/// Bytes that should be a JPEG, PNG or WebP from a program (a provider, our own store), and are not. Photos from people are
/// refused by <see cref="Intake.PhotoRejectedException"/> instead.
/// </summary>
public sealed class UnreadableImageException(string message, Exception? inner = null) : Exception(message, inner);
