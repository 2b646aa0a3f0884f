namespace HomeStage.Simulators.Faults;

/// <summary>Answers of <c>/control</c>, which no vendor has and which therefore has a shape of its own.</summary>
internal static class ControlAnswers
{
    public static IResult BadRequest(string why) => Results.Json(new { error = why }, statusCode: StatusCodes.Status400BadRequest);

    public static IResult NotFound(string what) => Results.Json(new { error = what }, statusCode: StatusCodes.Status404NotFound);
}
