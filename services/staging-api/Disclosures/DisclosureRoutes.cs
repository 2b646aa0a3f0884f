using System.Text;
using System.Text.Json.Nodes;
using HomeStage.Hosting;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using HomeStage.Imaging;
using HomeStage.Staging.Stagings;
using HomeStage.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HomeStage.Staging.Disclosures;

/// <summary>What the owner of a staged picture publishes of it, and what everybody with the link sees.</summary>
internal static class DisclosureRoutes
{
    private const string Tag = "Disclosure";
    private const string Html = "text/html";
    private const string Svg = "image/svg+xml";

    // A link may be withdrawn at any time, so nobody may go on showing what they kept.
    private const string AskAgain = "no-cache";

    /// <summary>Reads <c>PUBLIC_URL</c>, which the links begin with.</summary>
    internal static void AddDisclosures(this ServiceBuilder service)
    {
        var texts = new DisclosureTexts(service.Settings.Url("PUBLIC_URL", "the address that people use, e.g. http://localhost:8080"));
        if (texts.PublicUrl.AbsoluteUri.Length + "d/".Length + DisclosureStore.TokenLength > QrCode.Longest)
            service.Settings.Refuse("PUBLIC_URL", "is too long for the QR codes of disclosure links");
        service.Services.AddSingleton(texts);
        service.Services.AddSingleton<DisclosureStore>();
        service.Map(app =>
        {
            MapOwners(app.MapGroup("/api/v1/stagings/{id:guid}/images/{n:int}/disclosure").RequireCaller("gateway").Refuses(ProblemCode.Unauthenticated));
            MapEverybodys(app.MapGroup("/d/{token}").RequireCaller("gateway").AddEndpointFilter(NoIndexAsync));
        });
    }

    private static void MapOwners(RouteGroupBuilder routes)
    {
        routes.MapPut("", PublishAsync)
            .Describe(
                Tag, "publishDisclosure", "Publish a picture beside its original",
                "Makes a page that anybody with its link can open, or answers the one that there is: the photo, the labelled picture, and a plain statement that "
                + "it was virtually staged. California wants such a link with every listing (Business and Professions Code § 10140.8).")
            .OfPicture()
            .Refuses(ProblemCode.NotFound);
        routes.MapGet("", GetAsync).Describe(Tag, "getDisclosure", "The published page of a picture").OfPicture().Refuses(ProblemCode.NotFound);
        routes.MapDelete("", RevokeAsync)
            .Describe(Tag, "revokeDisclosure", "Withdraw the published page of a picture", "Its link is dead at once and for ever; to publish again makes another.")
            .OfPicture().Refuses(ProblemCode.NotFound);
        routes.MapGet("/bundle", BundleAsync)
            .Describe(
                Tag, "getDisclosureBundle", "All that a listing needs of a published picture",
                "A zip archive with the picture clean and labelled, the original photo, the link, its QR code, and a text for the listing. Of a free staging there is no clean picture in it.")
            .OfPicture()
            .Says(operation => Answers(operation, "The archive.", "application/zip"))
            .Refuses(ProblemCode.NotFound);
    }

    private static void MapEverybodys(RouteGroupBuilder routes)
    {
        routes.MapGet("", PageAsync)
            .Describe(Tag, "showDisclosure", "The page with a staged picture beside its original", "For people, and not for search engines. Browsers get a page also where there is nothing.")
            .OfToken().Says(operation => Answers(operation, "The page.", Html)).Refuses(ProblemCode.NotFound);
        routes.MapGet("/page.css", () => TypedResults.Text(DisclosureTexts.StyleSheet, "text/css"))
            .Describe(Tag, "getDisclosureStyle", "The page's style sheet").OfToken().Says(operation => Answers(operation, "The style sheet.", "text/css"));
        routes.MapGet("/qr.svg", QrAsync)
            .Describe(Tag, "getDisclosureQr", "The page's address as a QR code").OfToken().Says(operation => Answers(operation, "The QR code.", Svg)).Refuses(ProblemCode.NotFound);
        routes.MapGet("/images/original", OriginalAsync)
            .Describe(Tag, "getDisclosedOriginal", "The photo, unaltered").OfToken().AnswersFile("The photo.", ImageMediaType.Jpeg).Refuses(ProblemCode.NotFound);
        routes.MapGet("/images/staged", StagedAsync)
            .Describe(Tag, "getDisclosedPicture", "The staged picture, labelled")
            .OfToken().AnswersFile("The picture.", ImageMediaType.Jpeg, ImageMediaType.Png, ImageMediaType.WebP).Refuses(ProblemCode.NotFound);
    }

    private static TBuilder OfPicture<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder => route.Explains("id", "The staging.").Explains("n", "Which picture, from 1.", schema => schema["minimum"] = 1);

    private static TBuilder OfToken<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder => route.Says(operation =>
        {
            // Also where the signature does not ask for it.
            if (operation["parameters"] is not JsonArray)
                operation["parameters"] = new JsonArray(new JsonObject { ["name"] = "token", ["in"] = "path", ["required"] = true, ["schema"] = new JsonObject { ["type"] = "string" } });
        }).Explains("token", "The end of the link.");

    private static void Answers(JsonObject operation, string text, string mediaType) => operation["responses"]!["200"] = new JsonObject
    {
        ["description"] = text,
        ["content"] = new JsonObject { [mediaType] = new JsonObject { ["schema"] = new JsonObject { ["type"] = "string" } } },
    };

    private static async ValueTask<object?> NoIndexAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        context.HttpContext.Response.Headers["X-Robots-Tag"] = "noindex, nofollow, noarchive";
        return await next(context);
    }

    private static async Task<Results<Ok<DisclosureView>, ProblemHttpResult>> PublishAsync(
        Guid id, int n, Owner owner, DisclosureStore disclosures, DisclosureTexts texts, CancellationToken cancellationToken)
    {
        if (await disclosures.EnsureAsync(owner, id, n, cancellationToken) is { } disclosed)
            return TypedResults.Ok(ViewOf(disclosed, texts));
        return Problem.Result(ProblemCode.NotFound);
    }

    private static async Task<Results<Ok<DisclosureView>, ProblemHttpResult>> GetAsync(
        Guid id, int n, Owner owner, DisclosureStore disclosures, DisclosureTexts texts, CancellationToken cancellationToken) =>
        await disclosures.FindAsync(owner, id, n, cancellationToken) is { } disclosed ? TypedResults.Ok(ViewOf(disclosed, texts)) : Problem.Result(ProblemCode.NotFound);

    private static async Task<Results<NoContent, ProblemHttpResult>> RevokeAsync(Guid id, int n, Owner owner, DisclosureStore disclosures, CancellationToken cancellationToken) =>
        await disclosures.RevokeAsync(owner, id, n, cancellationToken) ? TypedResults.NoContent() : Problem.Result(ProblemCode.NotFound);

    private static async Task<Results<FileStreamHttpResult, ProblemHttpResult>> BundleAsync(
        Guid id, int n, Owner owner, DisclosureStore disclosures, DisclosureTexts texts, IBlobStore blobs, HttpResponse response, CancellationToken cancellationToken)
    {
        if (await disclosures.FindAsync(owner, id, n, cancellationToken) is not { } disclosed
            || await DisclosureBundle.MakeAsync(disclosed, texts, blobs, cancellationToken) is not { } bundle)
        {
            return Problem.Result(ProblemCode.NotFound);
        }

        response.Headers.CacheControl = "private, no-store";
        return TypedResults.Stream(bundle, "application/zip", DisclosureBundle.NameOf(disclosed) + ".zip");
    }

    private static async Task<Results<ContentHttpResult, ProblemHttpResult>> PageAsync(
        string token, HttpContext context, DisclosureStore disclosures, DisclosureTexts texts, CancellationToken cancellationToken)
    {
        context.Response.Headers.CacheControl = AskAgain;
        if (await disclosures.FindAsync(token, cancellationToken) is { } disclosed)
            return TypedResults.Text(texts.PageOf(disclosed), Html, Encoding.UTF8);
        return context.Request.Headers.Accept.ToString().Contains(Html, StringComparison.Ordinal)
            ? TypedResults.Text(DisclosureTexts.Gone(token), Html, Encoding.UTF8, StatusCodes.Status404NotFound)
            : Problem.Result(ProblemCode.NotFound);
    }

    private static async Task<Results<ContentHttpResult, ProblemHttpResult>> QrAsync(
        string token, HttpResponse response, DisclosureStore disclosures, DisclosureTexts texts, CancellationToken cancellationToken)
    {
        response.Headers.CacheControl = AskAgain;
        return await disclosures.FindAsync(token, cancellationToken) is { } disclosed
            ? TypedResults.Text(QrCode.Of(texts.Link(disclosed.Disclosure)).ToSvg(), Svg)
            : Problem.Result(ProblemCode.NotFound);
    }

    private static async Task<Results<FileStreamHttpResult, ProblemHttpResult>> OriginalAsync(
        string token, DisclosureStore disclosures, IBlobStore blobs, HttpResponse response, CancellationToken cancellationToken) =>
        await disclosures.FindAsync(token, cancellationToken) is { } disclosed
            ? await ImageRoutes.ServeAsync(disclosed.Job.OriginalBlob, "original", AskAgain, blobs, response, cancellationToken)
            : Problem.Result(ProblemCode.NotFound);

    private static async Task<Results<FileStreamHttpResult, ProblemHttpResult>> StagedAsync(
        string token, DisclosureStore disclosures, IBlobStore blobs, HttpResponse response, CancellationToken cancellationToken) =>
        await disclosures.FindAsync(token, cancellationToken) is { } disclosed
            ? await ImageRoutes.ServeAsync(disclosed.Picture.Labeled, "virtually-staged", AskAgain, blobs, response, cancellationToken)
            : Problem.Result(ProblemCode.NotFound);

    private static DisclosureView ViewOf(Disclosed disclosed, DisclosureTexts texts)
    {
        var (disclosure, job) = disclosed;
        var self = $"{StagingViews.Url(job)}/images/{disclosure.N}/disclosure";
        return new DisclosureView(
            texts.Link(disclosure), texts.ForListing(disclosure), disclosure.CreatedAt, new DisclosureUrls(self, DisclosureTexts.Path(disclosure) + "/qr.svg", self + "/bundle"));
    }

    /// <summary>A published page.</summary>
    /// <param name="Url">Its link, for listings and prints; whoever has it can open it.</param>
    /// <param name="ListingText">A statement for the listing, with the link.</param>
    /// <param name="CreatedAt">When it was published.</param>
    /// <param name="Urls">What belongs to it.</param>
    private sealed record DisclosureView(string Url, string ListingText, DateTimeOffset CreatedAt, DisclosureUrls Urls);

    /// <summary>What belongs to a published page.</summary>
    /// <param name="Self">Ask for it, or withdraw it.</param>
    /// <param name="Qr">The link as a QR code (SVG).</param>
    /// <param name="Bundle">All that a listing needs, as a zip archive.</param>
    private sealed record DisclosureUrls(string Self, string Qr, string Bundle);
}
