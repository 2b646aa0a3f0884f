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
            OnPrepareResponse = file => file.Context.Response.Headers.CacheControl = Path.GetExtension(file.File.Name) switch
            {
                // Page, script and style belong together: asked for again each time (304 where nothing changed), they are never of two versions.
                ".html" or ".js" or ".css" => "no-cache",
                // The API document: programs that read it at each start need not ask each time.
                ".json" => "public, max-age=300",
                _ => "public, max-age=86400",
            },
        });
    });
}
