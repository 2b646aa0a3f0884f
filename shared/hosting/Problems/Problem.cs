using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HomeStage.Hosting.Problems;

/// <summary>Makes <c>application/problem+json</c> answers with <c>code</c>, <c>traceId</c> and <c>retryable</c>.</summary>
public static class Problem
{
    /// <summary>An answer of the given kind.</summary>
    /// <param name="code">The kind.</param>
    /// <param name="detail">A sentence for the person who reads it: what is wrong and what to do.</param>
    /// <param name="extensions">Further members, e.g. <c>needed</c> and <c>available</c>.</param>
    public static ProblemHttpResult Result(ProblemCode code, string? detail = null, params ReadOnlySpan<(string Name, object? Value)> extensions)
    {
        var members = new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["code"] = code.Code,
            ["retryable"] = code.Retryable,
            ["traceId"] = Activity.Current?.TraceId.ToHexString(),
        };
        foreach (var (name, value) in extensions)
            members[name] = value;
        return TypedResults.Problem(detail, statusCode: code.Status, title: code.Title, type: "about:blank", extensions: members);
    }

    /// <summary><c>validation_failed</c> with the reasons by field.</summary>
    public static ProblemHttpResult Invalid(IReadOnlyDictionary<string, string[]> errors) =>
        Result(ProblemCode.ValidationFailed, "Correct the fields that 'errors' names.", ("errors", errors));

    /// <summary><c>validation_failed</c> for one field.</summary>
    public static ProblemHttpResult Invalid(string field, string reason) =>
        Invalid(new Dictionary<string, string[]>(StringComparer.Ordinal) { [field] = [reason] });
}

/// <summary>Ends a request with a problem from where no result can be returned.</summary>
public sealed class ProblemException(ProblemHttpResult result) : Exception(result.ProblemDetails.Title)
{
    /// <summary>The answer.</summary>
    public ProblemHttpResult Result => result;
}
