using System.Text.Json.Serialization;
using HomeStage.Hosting.Messaging;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace HomeStage.Hosting.Problems;

/// <summary>Turns exceptions and bare statuses into problem details that tell nothing of the inside.</summary>
internal static partial class ProblemsExtensions
{
    internal static void AddProblems(this ServiceBuilder service)
    {
        service.Services.AddExceptionHandler<ExceptionToProblem>();
        service.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.AllowDuplicateProperties = false;
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
        });
        service.Services.Configure<Microsoft.AspNetCore.Routing.RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
    }

    internal static void UseProblems(this IApplicationBuilder app)
    {
        app.UseExceptionHandler(_ => { });
        app.UseStatusCodePages(async context =>
        {
            var response = context.HttpContext.Response;
            await Problem.Result(ProblemCode.OfStatus(response.StatusCode)).ExecuteAsync(context.HttpContext);
        });
    }

    private sealed partial class ExceptionToProblem(ILogger<ExceptionToProblem> logger) : IExceptionHandler
    {
        public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken cancellationToken)
        {
            if (context.RequestAborted.IsCancellationRequested)
            {
                context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
                return true;
            }

            await ProblemOf(exception).ExecuteAsync(context);
            return true;
        }

        private ProblemHttpResult ProblemOf(Exception exception)
        {
            switch (exception)
            {
                case ProblemException problem:
                    return problem.Result;
                case BadHttpRequestException { StatusCode: StatusCodes.Status400BadRequest }:
                    return Problem.Result(ProblemCode.ValidationFailed, "The request cannot be read: check its JSON, its parameters and its content type.");
                case BadHttpRequestException bad:
                    return Problem.Result(ProblemCode.OfStatus(bad.StatusCode));
                case InvalidDataException:
                    return Problem.Result(ProblemCode.PayloadTooLarge, "A part of the form is larger than the route takes.");
                // Nothing that PostgreSQL keeps has the character zero, as text or escaped in JSON; the statement that tried was undone.
                case var _ when exception.GetBaseException() is PostgresException { SqlState: PostgresErrorCodes.CharacterNotInRepertoire or PostgresErrorCodes.UntranslatableCharacter }:
                    return Problem.Result(ProblemCode.ValidationFailed, "Leave out the character \\u0000.");
                case var _ when Infrastructure.IsTransient(exception):
                    Log.DependencyAway(logger, exception);
                    return Problem.Result(ProblemCode.Unavailable, "Nothing was done. Try again in a few seconds.");
                default:
                    Log.Unforeseen(logger, exception);
                    return Problem.Result(ProblemCode.InternalError, "Try again; if it stays, tell support the trace id.");
            }
        }

        private static partial class Log
        {
            [LoggerMessage(1, LogLevel.Error, "A request failed in an unforeseen way", EventName = "unforeseen_error")]
            public static partial void Unforeseen(ILogger logger, Exception exception);

            [LoggerMessage(2, LogLevel.Warning, "A request failed because a dependency is away", EventName = "dependency_away")]
            public static partial void DependencyAway(ILogger logger, Exception exception);
        }
    }
}
