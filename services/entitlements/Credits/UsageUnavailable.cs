using HomeStage.Hosting.Messaging;
using HomeStage.Hosting.Problems;

namespace HomeStage.Entitlements.Credits;

/// <summary>While the storage of balances and limits is away nothing is answered from memory: closed, never open.</summary>
internal static partial class UsageUnavailable
{
    internal static async ValueTask<object?> Filter(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (Exception error) when (Infrastructure.IsTransient(error) && !context.HttpContext.RequestAborted.IsCancellationRequested)
        {
            Log.StorageAway(context.HttpContext.RequestServices.GetRequiredService<ILogger<EntitlementsDb>>(), error);
            return Problem.Result(ProblemCode.UsageUnavailable, "Nothing was charged and nothing counted. Try again in a few seconds.");
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The storage of balances is away; the request is refused", EventName = "usage_unavailable")]
        public static partial void StorageAway(ILogger logger, Exception exception);
    }
}
