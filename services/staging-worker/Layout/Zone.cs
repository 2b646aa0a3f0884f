using HomeStage.Catalog;

namespace HomeStage.Worker.Layout;

/// <summary>What a zone is, in the order in which prompts name them.</summary>
internal enum ZoneKind
{
    /// <summary>A door, gate or open passage.</summary>
    Door,

    /// <summary>A window or a glass door that is part of one.</summary>
    Window,

    /// <summary>A radiator, vent or air conditioner.</summary>
    Radiator,

    /// <summary>A fireplace or stove with its hearth.</summary>
    Fireplace,

    /// <summary>Stairs and landings.</summary>
    Stairs,

    /// <summary>Anything else that is built in and used: taps, basins, cupboards, sockets, switches.</summary>
    Fixture,

    /// <summary>Floor that people walk over from door to door.</summary>
    Walkway,
}

/// <summary>A part of a photograph that has to stay free, as a box in shares (0 to 1) of its width and height from its left and top edges.</summary>
[System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
internal readonly record struct Zone(ZoneKind Kind, double X, double Y, double Width, double Height)
{
    /// <summary>The same part of a photo, seen in the frame in which the photo is sent: whole, undistorted and in the centre.</summary>
    /// <param name="photoWidth">Pixels of the photo.</param>
    /// <param name="photoHeight">Pixels of the photo.</param>
    /// <param name="frame">The frame.</param>
    internal Zone Framed(int photoWidth, int photoHeight, PictureSize frame)
    {
        var scale = Math.Min((double)frame.Width / photoWidth, (double)frame.Height / photoHeight);
        var (acrossShare, downShare) = (photoWidth * scale / frame.Width, photoHeight * scale / frame.Height);
        return this with
        {
            X = ((1 - acrossShare) / 2) + (X * acrossShare),
            Y = ((1 - downShare) / 2) + (Y * downShare),
            Width = Width * acrossShare,
            Height = Height * downShare,
        };
    }
}
