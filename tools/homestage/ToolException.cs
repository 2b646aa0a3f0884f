namespace HomeStage.Tool;

/// <summary>Something the person at the terminal can act on. The message is the whole explanation: one sentence, no stack.</summary>
public sealed class ToolException(string message, Exception? innerException = null) : Exception(message, innerException);
