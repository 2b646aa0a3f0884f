using HomeStage.Hosting;

namespace HomeStage.Gateway.Page;

/// <summary>The web page: plain files, no framework, no inline code.</summary>
internal static class PageExtensions
{
    internal static void AddPage(this ServiceBuilder service) => service.Map(app =>
    {
        app.UseDefaultFiles();
        app.UseStaticFiles(new StaticFileOptions
        {
            // Page, script and style belong together: asked for again each time (304 where nothing changed), they are never of two versions.
            OnPrepareResponse = file => file.Context.Response.Headers.CacheControl =
                Path.GetExtension(file.File.Name) is ".html" or ".js" or ".css" ? "no-cache" : "public, max-age=86400",
        });
    });
}
