namespace HomeStage.Simulators.OpenAI;

/// <summary>A picture as it was sent.</summary>
internal sealed record SentImage(string Field, string FileName, string ContentType, byte[] Bytes, ImageHeader Header);

/// <summary>A validated request to edit images.</summary>
internal sealed record ImageEdit
{
    private const int MaxPrompt = 32_000;
    private const int MaxImages = 16;
    private const long MaxImageBytes = 50L * 1024 * 1024;

    private static readonly string[] Parameters =
    [
        "image", "image[]", "mask", "prompt", "model", "n", "size", "quality", "background", "complexity", "output_format", "output_compression",
        "input_fidelity", "stream", "partial_images", "user", "safety_identifier",
    ];

    public required ImageModel Model { get; init; }

    public required string Prompt { get; init; }

    public required IReadOnlyList<SentImage> Images { get; init; }

    public required int N { get; init; }

    public required ImageSize Size { get; init; }

    public required string Quality { get; init; }

    public required string Background { get; init; }

    public required string OutputFormat { get; init; }

    public required string? SafetyIdentifier { get; init; }

    public required bool HighFidelity { get; init; }

    public required bool Stream { get; init; }

    public required int PartialImages { get; init; }

    /// <summary>Reads and checks a request in the order of OpenAI's service: parameters, then images.</summary>
    public static async Task<ImageEdit> Read(IFormCollection sent, CancellationToken cancel)
    {
        var form = new EditForm(sent);
        form.AllowOnly(Parameters);
        var model = ImageModels.Find(form.Optional("model") ?? ImageModels.Default);
        var prompt = form.Required("prompt");
        if (prompt.Length > MaxPrompt)
            throw OpenAiException.Invalid($"Invalid 'prompt': string too long. Expected a string with maximum length {MaxPrompt}, but got a string with length {prompt.Length} instead.", "prompt", "string_above_max_length");
        var quality = form.Choice("quality", "auto", model.Qualities);
        var format = form.Choice("output_format", "png", "png", "webp", "jpeg");
        var background = form.Choice("background", "auto", "transparent", "opaque", "auto");
        if (background == "transparent" && format == "jpeg")
            throw OpenAiException.Invalid("Transparent background is not supported for JPEG output format.", "background", "invalid_value");
        if (form.Integer("output_compression", 0, 100) is not (null or 100) && format == "png")
            throw OpenAiException.Invalid("Compression less than 100 is not supported for PNG output format.", "output_compression", "invalid_png_output_compression");
        form.Choice("complexity", "medium", "low", "medium", "high");
        var stream = form.Flag("stream");
        var partials = form.Integer("partial_images", 0, 3);
        if (partials is not null && !stream)
            throw OpenAiException.Invalid("The 'partial_images' parameter is only supported when 'stream' is true.", "partial_images", "invalid_value");
        var count = form.Integer("n", 1, 10) ?? 1;
        if (stream && count > 1)
            throw OpenAiException.Invalid("Streaming is only supported with n=1.", null, null);
        var size = form.Optional("size") ?? "auto";
        var images = await ReadImages(sent.Files, cancel);
        return new ImageEdit
        {
            Model = model,
            Prompt = prompt,
            Images = images,
            N = count,
            Size = size == "auto" ? ImageSize.For(images[0].Header) : ImageSize.Parse(size, model),
            Quality = quality == "auto" ? "medium" : quality,
            Background = background == "auto" ? "opaque" : background,
            OutputFormat = format,
            SafetyIdentifier = form.Optional("safety_identifier") ?? form.Optional("user"),
            HighFidelity = Fidelity(form, model) == "high",
            Stream = stream,
            PartialImages = partials ?? 0,
        };
    }

    private static string? Fidelity(EditForm form, ImageModel model)
    {
        if (model.InputFidelity.Length > 0)
            return form.Choice("input_fidelity", "low", model.InputFidelity);
        if (form.Optional("input_fidelity") is not null)
            throw OpenAiException.Invalid($"The model '{model.Name}' does not support the 'input_fidelity' parameter.", "input_fidelity", "invalid_input_fidelity_model");
        return null;
    }

    private static async Task<IReadOnlyList<SentImage>> ReadImages(IFormFileCollection files, CancellationToken cancel)
    {
        var images = new List<SentImage>();
        foreach (var file in files.Where(file => file.Name is "image" or "image[]"))
        {
            if (string.IsNullOrEmpty(file.ContentType))
                throw OpenAiException.Invalid($"Invalid file '{file.Name}': failed to determine mimetype. Ensure you are providing the file's mimetype as part of the 'Content-Type' header.", file.Name, "missing_file_mimetype");
            if (file.ContentType is not ("image/jpeg" or "image/png" or "image/webp"))
                throw OpenAiException.Invalid($"Invalid file '{file.Name}': unsupported mimetype ('{file.ContentType}'). Supported file formats are 'image/jpeg', 'image/png', and 'image/webp'.", file.Name, "unsupported_file_mimetype");
            if (file.Length > MaxImageBytes)
                throw OpenAiException.Invalid($"Invalid file '{file.Name}': file is too large. Maximum size is 50MB.", file.Name, "file_too_large");
            using var bytes = new MemoryStream();
            await file.CopyToAsync(bytes, cancel);
            var header = ImageHeader.Read(bytes.ToArray()) ?? throw OpenAiException.Unreadable(images.Count + 1);
            images.Add(new SentImage(file.Name, file.FileName, file.ContentType, bytes.ToArray(), header));
        }
        return images.Count switch
        {
            0 => throw OpenAiException.Invalid("Missing required parameter: 'image'.", "image", "missing_required_parameter"),
            > MaxImages => throw OpenAiException.Invalid($"Invalid 'image': array too long. Expected an array with maximum length {MaxImages}, but got an array with length {images.Count} instead.", "image", "array_above_max_length"),
            _ => images,
        };
    }
}
