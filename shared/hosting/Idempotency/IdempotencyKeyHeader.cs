using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http;

namespace HomeStage.Hosting.Idempotency;

/// <summary>The <c>Idempotency-Key</c> header, which every POST that creates something takes.</summary>
public static class IdempotencyKeyHeader
{
    /// <summary>The header's name.</summary>
    public const string Name = "Idempotency-Key";

    /// <summary>The key of a request, or null if it has none.</summary>
    /// <exception cref="ProblemException">It is not one key of 1 to 255 visible ASCII characters.</exception>
    public static string? Read(HttpRequest request)
    {
        if (!request.Headers.TryGetValue(Name, out var values))
            return null;
        return values is [{ Length: > 0 and <= 255 } key] && key.All(letter => letter is > ' ' and <= '~')
            ? key
            : throw new ProblemException(Problem.Invalid(Name, "Send one key of 1 to 255 visible ASCII characters, for instance a UUID."));
    }
}
