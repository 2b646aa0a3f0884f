using HomeStage.Hosting;

namespace HomeStage.Gateway.Page;

/// <summary>The web page: plain files, no framework, no build step, no inline code.</summary>
internal static class PageExtensions
{
    internal static void AddPage(this ServiceBuilder service) => service.Map(app =>
    {
        var page = PageFiles.Read(app.Environment.WebRootFileProvider);
        app.Use((context, next) =>
        {
            var request = context.Request;
            if (context.GetEndpoint() is not null || !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)))
                return next(context);
            if (request.Path == "/docs")
                return TypedResults.LocalRedirect("/docs/", permanent: true).ExecuteAsync(context);
            return page.Find(request.Path.Value!) is { } found ? found.File.ServeAsync(context, found.CacheControl) : next(context);
        });
    });
}
