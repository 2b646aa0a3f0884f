using System.Globalization;
using System.Reflection;
using System.Text.Encodings.Web;
using HomeStage.Catalog;

namespace HomeStage.Staging.Disclosures;

/// <summary>
/// What is said of a staged picture: that it was altered, how, and where the original is (California Business and Professions Code § 10140.8:
/// a conspicuous statement, and a link to the original that a QR code may carry).
/// </summary>
/// <param name="PublicUrl">The origin that people use.</param>
internal sealed record DisclosureTexts(Uri PublicUrl)
{
    /// <summary>The page's style sheet: the gateway lets no page have styles of its own in its text.</summary>
    internal static readonly string StyleSheet = Resource("page.css");

    private static readonly string Page = Resource("page.html");
    private static readonly string GonePage = Resource("gone.html");

    /// <summary>The page's whole address, with nothing in it that a QR code could not hold.</summary>
    internal string Link(Disclosure disclosure) => new Uri(PublicUrl, Path(disclosure)).AbsoluteUri;

    internal static string Path(Disclosure disclosure) => $"/d/{disclosure.Token}";

    /// <summary>For the listing's own words.</summary>
    internal string ForListing(Disclosure disclosure) =>
        $"Virtually staged: the furniture and decoration in this picture were added digitally and are not part of the property. The original, unaltered photo: {Link(disclosure)}";

    /// <summary>The page that shows both pictures.</summary>
    internal string PageOf(Disclosed disclosed)
    {
        var (disclosure, job) = disclosed;
        return Fill(Page, new(StringComparer.Ordinal)
        {
            ["path"] = Path(disclosure),
            ["room"] = Catalogue.FindRoom(job.Room)?.Name ?? "Room",
            ["style"] = Catalogue.FindStyle(job.Style)?.Name ?? "",
            ["date"] = (job.FinishedAt ?? disclosure.CreatedAt).ToString("MMMM d, yyyy", CultureInfo.InvariantCulture),
            ["declutter"] = job.Declutter ? " What stood in the room was removed from the picture first." : "",
            ["link"] = Link(disclosure),
        });
    }

    /// <summary>The page of a link that is no longer, or never was.</summary>
    internal static string Gone(string token) => Fill(GonePage, new(StringComparer.Ordinal) { ["path"] = $"/d/{token}" });

    // Whatever is put in is encoded for HTML, here and nowhere else.
    private static string Fill(string page, Dictionary<string, string> values) =>
        values.Aggregate(page, (text, value) => text.Replace($"{{{value.Key}}}", HtmlEncoder.Default.Encode(value.Value), StringComparison.Ordinal));

    private static string Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"HomeStage.Staging.Disclosures.{name}")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
