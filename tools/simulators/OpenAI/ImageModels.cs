namespace HomeStage.Simulators.OpenAI;

/// <summary>What one image model accepts at <c>/v1/images/edits</c>.</summary>
/// <param name="Name">The name on the wire.</param>
/// <param name="FreeSizes">Takes any WIDTHxHEIGHT within its limits, not only the three standard ones.</param>
/// <param name="Qualities">Accepted values of <c>quality</c>.</param>
/// <param name="InputFidelity">Accepted values of <c>input_fidelity</c>; empty where the parameter must be left out.</param>
/// <param name="Retired">OpenAI has shut it down.</param>
internal sealed record ImageModel(string Name, bool FreeSizes, string[] Qualities, string[] InputFidelity, bool Retired = false);

/// <summary>The models of OpenAI's API reference for image edits, as the types of its npm package 7.57.0 document them.</summary>
internal static class ImageModels
{
    /// <summary>Used when a request names none.</summary>
    public const string Default = "gpt-image-1.5";

    private static readonly string[] Standard = ["low", "medium", "high", "auto"];
    private static readonly string[] Extended = ["low", "medium", "high", "xhigh", "max", "auto"];

    private static readonly Dictionary<string, ImageModel> All = new ImageModel[]
    {
        new("gpt-image-1", FreeSizes: false, Standard, ["high", "low"], Retired: true),
        new("gpt-image-1-mini", FreeSizes: false, Standard, ["low"]),
        new("gpt-image-1.5", FreeSizes: false, Standard, ["high", "low"]),
        new("chatgpt-image-latest", FreeSizes: false, Standard, ["high", "low"]),
        new("gpt-image-2", FreeSizes: true, Standard, []),
        new("gpt-image-2-2026-04-21", FreeSizes: true, Standard, []),
        new("gpt-image-2.5-sunburst", FreeSizes: true, Extended, []),
        new("gpt-image-2.5-sunburst-2026-09-08", FreeSizes: true, Extended, []),
        new("gpt-image-2.5-flare", FreeSizes: true, Extended, []),
        new("gpt-image-2.5-flare-2026-09-08", FreeSizes: true, Extended, []),
        new("gpt-image-2.6-sunburst", FreeSizes: true, Extended, []),
        new("gpt-image-2.6-flare", FreeSizes: true, Extended, []),
        new("dall-e-2", FreeSizes: false, Standard, [], Retired: true),
        new("dall-e-3", FreeSizes: false, Standard, [], Retired: true),
    }.ToDictionary(model => model.Name);

    public static ImageModel Find(string name)
    {
        if (!All.TryGetValue(name, out var model))
            throw new OpenAiException(404, $"The model `{name}` does not exist or you do not have access to it.", "invalid_request_error", "model", "model_not_found");
        if (model.Retired)
            throw new OpenAiException(404, $"The model `{name}` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations", "invalid_request_error", "model", "model_not_found");
        return model;
    }
}
