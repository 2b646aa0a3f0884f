using HomeStage.Tool.Deployments;

namespace HomeStage.Tool.Demo;

/// <summary>A system to visit. Each has a session of its own: a cookie of one says nothing to another, and is none of its business.</summary>
/// <param name="Url">Its origin.</param>
/// <param name="SessionFile">Where the cookie is kept.</param>
/// <param name="Certificate">The PEM file that is trusted there; null for what the machine trusts.</param>
/// <param name="WhatToDo">Where to look if it does not answer.</param>
internal sealed record Place(string Url, string SessionFile, string? Certificate, string WhatToDo)
{
    /// <summary>The system of a data folder.</summary>
    public static Place Here(string url, DataFolder data) =>
        new(url, data.SessionFile, File.Exists(data.Certificate) ? data.Certificate : null, $"Its log is gateway.log in {data.Logs}.");

    /// <summary>One that runs elsewhere; the data folder keeps the session alone.</summary>
    public static Place Elsewhere(Uri url, string? certificate, DataFolder data) =>
        new(url.GetLeftPart(UriPartial.Authority), data.SessionFileAt(url), certificate, "Look whether it runs, and name its certificate by --certificate where that is one of its own making.");
}
