using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace HomeStage.Hosting.Idempotency;

/// <summary>A refusal as it is kept beside the <c>Idempotency-Key</c> that it used up.</summary>
public static class KeptRefusal
{
    /// <summary>The refusal as JSON, to be stored.</summary>
    public static string Of(ProblemHttpResult refusal) => JsonSerializer.Serialize(refusal.ProblemDetails, JsonSerializerOptions.Web);

    /// <summary>The stored refusal once more, under the trace of the request that repeats it.</summary>
    public static ProblemHttpResult Again(string stored)
    {
        var problem = JsonSerializer.Deserialize<ProblemDetails>(stored, JsonSerializerOptions.Web)!;
        problem.Extensions["traceId"] = Activity.Current?.TraceId.ToHexString();
        return TypedResults.Problem(problem);
    }
}
