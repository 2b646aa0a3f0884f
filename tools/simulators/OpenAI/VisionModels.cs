namespace HomeStage.Simulators.OpenAI;

/// <summary>What one model accepts at <c>/v1/chat/completions</c>.</summary>
/// <param name="Name">The name on the wire.</param>
/// <param name="Reasons">Thinks before it answers: takes <c>reasoning_effort</c>, and <c>max_completion_tokens</c> in place of <c>max_tokens</c>.</param>
internal sealed record VisionModel(string Name, bool Reasons);

/// <summary>Some of the chat models that take pictures, as the types of OpenAI's npm package 7.57.0 name them.</summary>
internal static class VisionModels
{
    private static readonly Dictionary<string, VisionModel> All = new VisionModel[]
    {
        new("gpt-4o", Reasons: false),
        new("gpt-4o-mini", Reasons: false),
        new("gpt-4.1", Reasons: false),
        new("gpt-4.1-mini", Reasons: false),
        new("gpt-5", Reasons: true),
        new("gpt-5-mini", Reasons: true),
        new("gpt-5.4-mini", Reasons: true),
        new("gpt-5.4-nano", Reasons: true),
        new("gpt-6-luna", Reasons: true),
    }.ToDictionary(model => model.Name);

    public static VisionModel Find(string name) => All.TryGetValue(name, out var model)
        ? model
        : throw new OpenAiException(404, $"The model `{name}` does not exist or you do not have access to it.", "invalid_request_error", code: "model_not_found");
}
