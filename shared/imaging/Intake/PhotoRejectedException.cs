namespace HomeStage.Imaging.Intake;

/// <summary>Why a photo is not accepted. Stable: clients see these in snake case, by <see cref="PhotoRejectedException.Code"/>.</summary>
public enum PhotoRejection
{
    /// <summary>The bytes are no picture that anything here knows.</summary>
    NotAnImage,

    /// <summary>A picture or document of a type that is not accepted; the message names it and says how to convert.</summary>
    UnsupportedType,

    /// <summary>The file stops before its picture does.</summary>
    Truncated,

    /// <summary>The file is whole, but its picture cannot be decoded.</summary>
    Damaged,

    /// <summary>A side is shorter than the limit.</summary>
    TooSmall,

    /// <summary>A side is longer than the limit.</summary>
    TooLargeDimensions,

    /// <summary>More pixels than the limit.</summary>
    TooManyPixels,

    /// <summary>More bytes than the limit.</summary>
    TooManyBytes,

    /// <summary>More than one frame.</summary>
    Animated,

    /// <summary>Another file (an archive, a document, a script) hides in or behind the picture.</summary>
    Polyglot,
}

/// <summary>A photo that is not accepted. The message is a sentence for the person who sent it.</summary>
public sealed class PhotoRejectedException(PhotoRejection reason, string message) : Exception(message)
{
    /// <summary>The reason, for programs.</summary>
    public PhotoRejection Reason { get; } = reason;

    /// <summary>The reason as it goes on the wire, for example <c>too_many_pixels</c>.</summary>
    public string Code => Reason switch
    {
        PhotoRejection.NotAnImage => "not_an_image",
        PhotoRejection.UnsupportedType => "unsupported_type",
        PhotoRejection.Truncated => "truncated",
        PhotoRejection.Damaged => "damaged",
        PhotoRejection.TooSmall => "too_small",
        PhotoRejection.TooLargeDimensions => "too_large_dimensions",
        PhotoRejection.TooManyPixels => "too_many_pixels",
        PhotoRejection.TooManyBytes => "too_many_bytes",
        PhotoRejection.Animated => "animated",
        PhotoRejection.Polyglot => "polyglot",
        _ => throw new InvalidOperationException($"Unnamed reason {Reason}."),
    };
}
