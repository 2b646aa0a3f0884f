namespace HomeStage.Simulators.OpenAI;

/// <summary>What a prompt asks for, recognised by its words.</summary>
internal static class PromptReading
{
    private static readonly string[] Rooms =
        ["living room", "bedroom", "kitchen", "bathroom", "dining room", "office", "entryway", "outdoor"];

    private static readonly string[] Styles =
    [
        "modern", "contemporary", "traditional", "scandinavian", "industrial", "mid-century", "farmhouse", "coastal", "minimalist", "luxury",
        "bohemian", "japandi",
    ];

    public static string Room(string prompt) => First(prompt, Rooms) ?? "living room";

    /// <summary>"mid-century modern" is mid-century: the word that comes first decides.</summary>
    public static string Style(string prompt) => First(prompt, Styles) ?? "modern";

    private static string? First(string prompt, string[] words)
    {
        var plain = prompt.Replace('_', ' ');
        return words
            .Select(word => (word, at: plain.IndexOf(word, StringComparison.OrdinalIgnoreCase)))
            .Where(found => found.at >= 0)
            .OrderBy(found => found.at)
            .Select(found => found.word)
            .FirstOrDefault();
    }
}
