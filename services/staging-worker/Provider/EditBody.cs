using System.ClientModel;
using System.Globalization;
using System.Net.Http.Headers;
using HomeStage.Catalog;

namespace HomeStage.Worker.Provider;

/// <summary>What is asked of the provider in one call.</summary>
/// <param name="Photo">The stored photo, a JPEG.</param>
/// <param name="Reference">A picture that the result is to resemble, a JPEG; null for none.</param>
/// <param name="Prompt">What to do with it.</param>
/// <param name="Count">How many pictures.</param>
/// <param name="Size">Their size.</param>
/// <param name="OurQuality">The quality in the catalogue.</param>
/// <param name="Quality">The provider's word for it.</param>
/// <param name="Format">The provider's word for the format of the answer.</param>
/// <param name="Seed">The seed; null for none.</param>
/// <param name="SafetyId">Keyed hash of the account.</param>
/// <param name="ClientRequestId">Our id of the call, which the provider's support can search for.</param>
internal sealed record EditRequest(
    byte[] Photo, byte[]? Reference, string Prompt, int Count, PictureSize Size, string OurQuality, string Quality, string Format, int? Seed, string SafetyId, string ClientRequestId);

/// <summary>
/// The multipart body of an edit. Written here and not by the package's convenience method, which gives the picture no media type and
/// has neither <c>safety_identifier</c> nor a public <c>input_fidelity</c>. It knows whether it was written whole.
/// </summary>
internal sealed class EditBody : BinaryContent
{
    private readonly MultipartFormDataContent _form;

    internal EditBody(EditRequest request, ImageModel model)
    {
        _form = new MultipartFormDataContent($"homestage-{Guid.NewGuid():n}");
        Add("model", model.Name);
        Add("prompt", request.Prompt);
        Add("n", request.Count.ToString(CultureInfo.InvariantCulture));
        Add("size", request.Size.ToString());
        Add("quality", request.Quality);
        Add("output_format", request.Format);
        Add("safety_identifier", request.SafetyId);
        if (model.InputFidelity is { } fidelity)
            Add("input_fidelity", fidelity);
        if (request.Seed is { } seed)
            Add("seed", seed.ToString(CultureInfo.InvariantCulture));
        Streams = request.Count == 1 && model.PartialImages > 0;
        if (Streams)
        {
            Add("stream", "true");
            Add("partial_images", model.PartialImages.ToString(CultureInfo.InvariantCulture));
        }

        // The photo first: the result has its shape, and the prompt counts on the order.
        AddPicture(request.Reference is null ? "image" : "image[]", "room.jpg", request.Photo);
        if (request.Reference is { } reference)
            AddPicture("image[]", "reference.jpg", reference);
    }

    /// <summary>Whether partial images are asked for. The provider streams only where one picture is asked for.</summary>
    internal bool Streams { get; }

    /// <summary>Whether every byte was handed to the connection.</summary>
    internal bool Sent { get; private set; }

    internal string ContentType => _form.Headers.ContentType!.ToString();

    public override bool TryComputeLength(out long length)
    {
        length = _form.Headers.ContentLength ?? 0;
        return _form.Headers.ContentLength is not null;
    }

    public override async Task WriteToAsync(Stream stream, CancellationToken cancellationToken = default)
    {
        await _form.CopyToAsync(stream, cancellationToken);
        Sent = true;
    }

    public override void WriteTo(Stream stream, CancellationToken cancellationToken = default)
    {
        _form.CopyTo(stream, context: null, cancellationToken);
        Sent = true;
    }

    public override void Dispose() => _form.Dispose();

    private void AddPicture(string name, string fileName, byte[] jpeg)
    {
        var picture = new ByteArrayContent(jpeg);
        picture.Headers.ContentType = new MediaTypeHeaderValue("image/jpeg");
        _form.Add(picture, name, fileName);
    }

    private void Add(string name, string value)
    {
        var part = new StringContent(value);
        part.Headers.ContentType = null;
        _form.Add(part, name);
    }
}
