using HomeStage.Gateway.Identity;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HomeStage.Gateway.Sessions;

/// <summary><c>/api/v1/session</c>: who the browser is to us.</summary>
internal static class SessionEndpoints
{
    internal static void MapSession(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/v1/session", (HttpContext context, Callers callers) => AnswerAsync(context, callers, Issue.IfMissing));
        routes.MapPost("/api/v1/session", (HttpContext context, Callers callers) => AnswerAsync(context, callers, Issue.Anew));
    }

    private static async Task<Results<Ok<SessionAnswer>, ProblemHttpResult>> AnswerAsync(HttpContext context, Callers callers, Issue issue)
    {
        var (session, refusal) = await callers.IdentifyAsync(context, issue);
        if (session is null)
            return refusal!;
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(new SessionAnswer(session.Kind.ToString().ToLowerInvariant(), session.AccountId, session.Id, SignInAvailable: false, session.ExpiresAt));
    }

    private sealed record SessionAnswer(string Kind, Guid AccountId, Guid SessionId, bool SignInAvailable, DateTimeOffset ExpiresAt);
}
