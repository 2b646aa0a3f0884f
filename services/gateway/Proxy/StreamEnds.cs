namespace HomeStage.Gateway.Proxy;

/// <summary>Ends event streams when the gateway stops; they would hold the stop up, and their clients reconnect elsewhere and resume.</summary>
internal sealed class StreamEnds(RequestDelegate next, IHostApplicationLifetime lifetime)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (!context.GetReverseProxyFeature().Route.Config.IsStream())
        {
            await next(context);
            return;
        }

        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        context.RequestAborted = end.Token;
        await next(context);
    }
}
