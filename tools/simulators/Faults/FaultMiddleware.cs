namespace HomeStage.Simulators.Faults;

/// <summary>An error answer as one vendor writes it.</summary>
internal delegate Task WriteFaultError(HttpContext context, Fault fault);

/// <summary>Lets queued faults strike the vendor's routes; <c>/control</c> and <c>/health</c> are never touched.</summary>
internal sealed class FaultMiddleware(RequestDelegate next, FaultQueue faults, WriteFaultError writeError, TimeProvider time)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "/";
        if (path.StartsWith("/control", StringComparison.Ordinal) || path.StartsWith("/health", StringComparison.Ordinal))
        {
            await next(context);
            return;
        }
        var fault = faults.Take(fault => !fault.StrikesWebhooks, path, $"{context.Request.Method} {path}");
        context.Features.Set(fault);
        await (fault is null ? next(context) : Strike(context, fault));
    }

    private async Task Strike(HttpContext context, Fault fault)
    {
        var cancel = context.RequestAborted;
        switch (fault.Kind)
        {
            case FaultKind.Status when !fault.Performed:
            case FaultKind.Moderation:
                await Drain(context);
                await writeError(context, fault);
                break;
            case FaultKind.Status:
                await Perform(context);
                context.Response.Headers.Clear();
                await writeError(context, fault);
                break;
            case FaultKind.Hang:
                await Task.Delay(fault.Seconds is { } wait ? TimeSpan.FromSeconds(wait) : Timeout.InfiniteTimeSpan, time, cancel);
                await next(context);
                break;
            case FaultKind.CutBeforeReading:
                context.Abort();
                break;
            case FaultKind.CutAfterReading:
                await Perform(context);
                context.Abort();
                break;
            case FaultKind.CutMidBody:
                var whole = await Perform(context);
                await context.Response.Body.WriteAsync(whole.AsMemory(0, whole.Length / 2), cancel);
                await context.Response.Body.FlushAsync(cancel);
                context.Abort();
                break;
            case FaultKind.MalformedBody:
                var sound = await Perform(context);
                if (!context.Response.HasStarted)
                    context.Response.ContentLength = sound.Length / 2;
                await context.Response.Body.WriteAsync(sound.AsMemory(0, sound.Length / 2), cancel);
                break;
            case FaultKind.SlowBody:
                await Trickle(context, await Perform(context), TimeSpan.FromSeconds(fault.Seconds ?? 10));
                break;
            default:
                await next(context);
                break;
        }
    }

    /// <summary>Carries the request out and keeps the answer's body back.</summary>
    private async Task<byte[]> Perform(HttpContext context)
    {
        var wire = context.Response.Body;
        using var held = new MemoryStream();
        context.Response.Body = held;
        await next(context);
        context.Response.Body = wire;
        return held.ToArray();
    }

    /// <summary>Reads the body, and leaves it to be read: the error may depend on what was asked for.</summary>
    private static async Task Drain(HttpContext context)
    {
        context.Request.EnableBuffering();
        await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
        context.Request.Body.Position = 0;
    }

    private async Task Trickle(HttpContext context, byte[] body, TimeSpan duration)
    {
        const int Pieces = 20;
        if (!context.Response.HasStarted)
            context.Response.ContentLength = body.Length;
        foreach (var piece in body.Chunk(Math.Max(1, (body.Length + Pieces - 1) / Pieces)))
        {
            await Task.Delay(duration / Pieces, time, context.RequestAborted);
            await context.Response.Body.WriteAsync(piece, context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }
}
