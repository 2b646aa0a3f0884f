using System.Text.Json;
using System.Text.RegularExpressions;
using HomeStage.Hosting.Configuration;

namespace HomeStage.Catalog;

/// <summary>The models that may be used, from one JSON file; says what is wrong with it, all of it at once.</summary>
public sealed partial class ImageModels
{
    private const int LargestSide = 4096;
    private const int MaxPartialImages = 3;
    private const int MaxInputImages = 16;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        AllowDuplicateProperties = false,
        UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.Strict,
        RespectRequiredConstructorParameters = true,
    };

    private ImageModels(IReadOnlyList<ImageModel> all, string usual) => (All, Default) = (all, usual);

    /// <summary>Every model, in the file's order.</summary>
    public IReadOnlyList<ImageModel> All { get; }

    /// <summary>The name of the one that is used unless configured.</summary>
    public string Default { get; }

    /// <summary>The model with this name; null if the file has none.</summary>
    public ImageModel? Find(string name) => All.FirstOrDefault(model => model.Name == name);

    /// <summary>
    /// The model that <c>OPENAI_MODEL</c> names, out of the file that <c>IMAGE_MODELS_FILE</c> names or <c>models.json</c> beside the program.
    /// Whoever takes stagings in and whoever makes them have to be told the same.
    /// </summary>
    public static ImageModel Configured(Settings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var (models, problems) = Parse(settings.Optional("IMAGE_MODELS") ?? Shipped());
        if (problems.Count > 0)
        {
            settings.Refuse("IMAGE_MODELS_FILE", "cannot be used: " + string.Join("; ", problems));
            (models, _) = Parse(Shipped());
        }

        var name = settings.Optional("OPENAI_MODEL") ?? models!.Default;
        if (models!.Find(name) is { } model)
            return model;
        settings.Refuse("OPENAI_MODEL", $"names no model that is known here: set one of {string.Join(", ", models.All.Select(known => known.Name))}");
        return models.Find(models.Default)!;
    }

    /// <summary>The models of a file, and a sentence for each problem; null with one problem at least.</summary>
    public static (ImageModels? Models, IReadOnlyList<string> Problems) Parse(string text)
    {
        Content? content;
        try
        {
            content = JsonSerializer.Deserialize<Content>(text, Json);
        }
        catch (JsonException error)
        {
            return (null, [$"the file is not JSON of the form {{\"default\":\"…\",\"models\":[…]}}: {error.Message}"]);
        }

        var models = content?.Models ?? [];
        List<string> problems = [.. models.SelectMany((model, index) => model is null ? [$"model {index + 1} is null"] : ProblemsOf(model, index))];
        problems.AddRange(models.OfType<Entry>().GroupBy(model => model.Name, StringComparer.Ordinal).Where(group => group.Count() > 1)
            .Select(group => $"the name '{group.Key}' is used {group.Count()} times"));
        if (models.All(model => model?.Name != content?.Default))
            problems.Add($"default names no model of the file: '{content?.Default}'");
        return problems.Count > 0 ? (null, problems) : (new ImageModels([.. models.Select(model => model!.ToModel())], content!.Default), []);
    }

    private static string Shipped() => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "models.json"));

    private static IEnumerable<string> ProblemsOf(Entry model, int index)
    {
        var name = $"model '{model.Name}'";
        var sizes = model.Sizes ?? [];
        var qualities = model.Qualities ?? [];
        var known = Catalogue.Qualities.Select(quality => quality.Id).ToList();
        return new (bool Wrong, string Problem)[]
        {
            (!ModelName().IsMatch(model.Name ?? ""), $"model {index + 1} needs a name of letters, digits, '-', '.' and '_', not '{model.Name}'"),
            (sizes.Count == 0, $"{name}: sizes must name one at least, such as \"1536x1024\""),
            (sizes.FirstOrDefault(size => !IsSize(size)) is not null, $"{name}: sizes must be WIDTHxHEIGHT in multiples of 16 up to {LargestSide}, not '{sizes.FirstOrDefault(size => !IsSize(size))}'"),
            (sizes.Distinct(StringComparer.Ordinal).Count() < sizes.Count, $"{name}: sizes names one twice"),
            (!qualities.ContainsKey(Catalogue.DefaultQuality), $"{name}: qualities must have '{Catalogue.DefaultQuality}', which is meant unless asked"),
            (qualities.Keys.Except(known, StringComparer.Ordinal).FirstOrDefault() is not null,
                $"{name}: qualities knows {string.Join(", ", known)}, not '{qualities.Keys.Except(known, StringComparer.Ordinal).FirstOrDefault()}'"),
            (qualities.Values.Any(string.IsNullOrWhiteSpace), $"{name}: qualities must give the provider's word for each"),
            (model.InputFidelity is not (null or "low" or "high"), $"{name}: inputFidelity must be 'low', 'high' or left out, not '{model.InputFidelity}'"),
            (model.Formats is not { Count: > 0 } formats || formats.Except(Catalogue.Formats, StringComparer.Ordinal).Any() || !formats.Contains(ImageModel.DefaultFormat),
                $"{name}: formats must be some of {string.Join(", ", Catalogue.Formats)}, with '{ImageModel.DefaultFormat}'"),
            (model.InputImages is < 1 or > MaxInputImages, $"{name}: inputImages must be 1 to {MaxInputImages}"),
            (model.PartialImages is < 0 or > MaxPartialImages, $"{name}: partialImages must be 0 to {MaxPartialImages}"),
            ((model.Prices ?? []).Any(price => !qualities.ContainsKey(price.Key) || price.Value is null || price.Value.Any(size => !sizes.Contains(size.Key) || size.Value is < 0 or > 100)),
                $"{name}: prices must be US dollars (0 to 100) by a quality and a size that the model has"),
        }.Where(check => check.Wrong).Select(check => check.Problem);
    }

    private static bool IsSize(string? text) =>
        PictureSize.Parse(text) is { } size && size.Width % 16 == 0 && size.Height % 16 == 0 && Math.Max(size.Width, size.Height) <= LargestSide && Math.Min(size.Width, size.Height) >= 256;

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", RegexOptions.None, 1000)]
    private static partial Regex ModelName();

    private sealed record Content(string Default, IReadOnlyList<Entry?> Models);

    private sealed record Entry
    {
        public required string Name { get; init; }

        public required IReadOnlyList<string> Sizes { get; init; }

        public required Dictionary<string, string> Qualities { get; init; }

        public required IReadOnlyList<string> Formats { get; init; }

        public string? InputFidelity { get; init; }

        public int PartialImages { get; init; }

        public int InputImages { get; init; } = 1;

        public bool Seed { get; init; }

        public Dictionary<string, Dictionary<string, decimal>>? Prices { get; init; }

        internal ImageModel ToModel() => new()
        {
            Name = Name,
            Sizes = [.. Sizes.Select(size => PictureSize.Parse(size)!)],
            Qualities = Qualities,
            Formats = Formats,
            InputFidelity = InputFidelity,
            PartialImages = PartialImages,
            InputImages = InputImages,
            Seed = Seed,
            Prices = (Prices ?? []).ToDictionary(price => price.Key, price => (IReadOnlyDictionary<string, decimal>)price.Value, StringComparer.Ordinal),
        };
    }
}
