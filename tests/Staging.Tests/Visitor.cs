using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HomeStage.Contracts;
using HomeStage.Imaging;
using HomeStage.Storage;
using HomeStage.Testing;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests;

/// <summary>An answer, read to its end.</summary>
internal sealed record Answer(int Status, JsonNode? Body, HttpResponseMessage Response)
{
    internal string? Code => (string?)Body?["code"];

    internal string Text(string name) => (string)Body![name]!;
}

/// <summary>A person at the web page, or a program with a key, as the gateway lets them through.</summary>
internal sealed class Visitor(StagingApp app, Guid account, string kind)
{
    internal Guid Account => account;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>A job's fields; the photo is sent along unless <paramref name="fields"/> has a photoId.</summary>
    internal static Dictionary<string, object?> Fields(params (string Name, object? Value)[] fields)
    {
        var all = new Dictionary<string, object?>(StringComparer.Ordinal) { ["room"] = "living_room", ["style"] = "scandinavian", ["quality"] = "draft" };
        foreach (var (name, value) in fields)
            all[name] = value;
        return all;
    }

    internal Task<Answer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    internal Task<Answer> GetAsync(Guid job) => SendAsync(HttpMethod.Get, $"/api/v1/stagings/{job}");

    internal async Task<Answer> SendAsync(HttpMethod method, string path, HttpContent? content = null, string? key = null, Action<HttpRequestHeaders>? headers = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative)) { Content = content };
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        headers?.Invoke(request.Headers);
        var response = await app.SendAsync(request, "gateway", account, kind);
        var isJson = response.Content.Headers.ContentType?.MediaType?.EndsWith("json", StringComparison.Ordinal) == true;
        return new Answer((int)response.StatusCode, isJson ? JsonNode.Parse(await response.Content.ReadAsStringAsync(Cancel)) : null, response);
    }

    internal Task<Answer> UploadAsync(byte[] photo, string? mediaType = "image/jpeg", string? key = null)
    {
        var content = new ByteArrayContent(photo);
        if (mediaType is not null)
            content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        return SendAsync(HttpMethod.Post, "/api/v1/photos", content, key);
    }

    internal Task<Answer> SubmitJsonAsync(Dictionary<string, object?> fields, string? key = null) =>
        SendAsync(HttpMethod.Post, "/api/v1/stagings", JsonContent.Create(fields), key);

    internal Task<Answer> SubmitFormAsync(Dictionary<string, object?>? fields = null, byte[]? photo = null, string? key = null)
    {
        var form = new MultipartFormDataContent();
        foreach (var (name, value) in fields ?? Fields())
            form.Add(new StringContent(Convert.ToString(value)!), name);
        form.Add(new ByteArrayContent(photo ?? Samples.Photo), "photo", "room.jpg");
        return SendAsync(HttpMethod.Post, "/api/v1/stagings", form, key);
    }

    /// <summary>Submits a job that is taken, and gives its id.</summary>
    internal async Task<Guid> SubmitAsync(params (string Name, object? Value)[] fields)
    {
        var answer = await SubmitFormAsync(Fields(fields));
        answer.Status.ShouldBe(202, answer.Body?.ToString());
        return Guid.Parse(answer.Text("id"));
    }

    /// <summary>Photos that were uploaded, without the work of looking at each.</summary>
    internal async Task<List<Guid>> PhotosAsync(int count)
    {
        var ids = Enumerable.Range(0, count).Select(_ => Guid.CreateVersion7()).ToList();
        var now = app.Clock.GetUtcNow();
        foreach (var id in ids)
        {
            await app.Blobs.PutAsync($"photos/{id}/0123.jpg", Samples.Photo, ImageMediaType.Jpeg);
            await app.ExecuteAsync($"insert into photos values ('{id}', '{account}', 'photos/{id}/0123.jpg', '0123', 400, 300, '{now:O}', '{now.AddHours(24):O}')");
        }

        return ids;
    }

    /// <summary>A listing of photos, each of a living room, unless <paramref name="fields"/> say otherwise.</summary>
    internal static Dictionary<string, object?> Listing(IEnumerable<Guid> photos, params (string Name, object? Value)[] fields)
    {
        var all = new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["photos"] = photos.Select(id => new { photoId = id, room = "living_room" }).ToArray(),
            ["style"] = "scandinavian",
        };
        foreach (var (name, value) in fields)
            all[name] = value;
        return all;
    }

    internal Task<Answer> SubmitListingAsync(Dictionary<string, object?> fields, string? key = null) =>
        SendAsync(HttpMethod.Post, "/api/v1/listings", JsonContent.Create(fields), key);

    /// <summary>Submits a listing of new photos that is taken; gives its id and those of its stagings, in order.</summary>
    internal async Task<(Guid Id, List<Guid> Jobs)> ListAsync(int photos, params (string Name, object? Value)[] fields)
    {
        var answer = await SubmitListingAsync(Listing(await PhotosAsync(photos), fields));
        answer.Status.ShouldBe(202, answer.Body?.ToString());
        return (Guid.Parse(answer.Text("id")), [.. answer.Body!["items"]!.AsArray().Select(item => (string?)item!["staging"]?["id"]).OfType<string>().Select(Guid.Parse)]);
    }

    /// <summary>Waits until the listing has a status.</summary>
    internal Task<Answer> UntilListingAsync(Guid listing, string status) => Eventually.ValueAsync(async () =>
    {
        var answer = await GetAsync($"/api/v1/listings/{listing}");
        return answer.Status == 200 && answer.Text("status") == status ? answer : null;
    }, $"the listing is {status}");

    /// <summary>Opens a listing's stream.</summary>
    internal Task<EventReader> ListingEventsAsync(Guid listing, string? lastEventId = null, int replica = 0) =>
        StreamAsync($"/api/v1/listings/{listing}/events", lastEventId, replica, byQuery: false);

    /// <summary>Opens a job's stream, or the account's.</summary>
    internal Task<EventReader> EventsAsync(Guid? job = null, string? lastEventId = null, int replica = 0, bool byQuery = false) =>
        StreamAsync(job is null ? "/api/v1/events" : $"/api/v1/stagings/{job}/events", lastEventId, replica, byQuery);

    private async Task<EventReader> StreamAsync(string path, string? lastEventId, int replica, bool byQuery)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(byQuery ? $"{path}?lastEventId={lastEventId}" : path, UriKind.Relative));
        if (lastEventId is not null && !byQuery)
            request.Headers.Add("Last-Event-ID", lastEventId);
        return await EventReader.OpenAsync(await app.SendAsync(request, "gateway", account, kind, replica, HttpCompletionOption.ResponseHeadersRead));
    }

    /// <summary>Waits until the job has a status.</summary>
    internal Task<Answer> UntilAsync(Guid job, string status) => Eventually.ValueAsync(async () =>
    {
        var answer = await GetAsync(job);
        return answer.Status == 200 && answer.Text("status") == status ? answer : null;
    }, $"the job is {status}");
}

/// <summary>Pictures to send.</summary>
internal static class Samples
{
    /// <summary>A small photo of an empty room.</summary>
    internal static byte[] Photo { get; } = PhotoOfSide(400);

    internal static byte[] PhotoOfSide(int side) => Imaging.Intake.PhotoIntake.Read(
        File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "empty-room.jpg")), new Imaging.Intake.PhotoLimits { KeptSide = side }).Image.Bytes;

    /// <summary>What a worker says when an attempt delivered; the blobs are there.</summary>
    internal static async Task<RoomStaged> StagedAsync(IBlobStore blobs, Guid job, int attempt, int pictures)
    {
        var outputs = new List<RenderedPicture>();
        for (var k = 1; k <= pictures; k++)
        {
            foreach (var variant in (string[])["clean", "labeled", "thumb"])
                await blobs.PutAsync($"{job}/{attempt}/{k}-{variant}.jpg", Photo, ImageMediaType.Jpeg);
            outputs.Add(new RenderedPicture
            {
                CleanBlob = $"{job}/{attempt}/{k}-clean.jpg",
                LabeledBlob = $"{job}/{attempt}/{k}-labeled.jpg",
                ThumbBlob = $"{job}/{attempt}/{k}-thumb.jpg",
                Width = 400,
                Height = 300,
                MediaType = ImageMediaType.Jpeg,
            });
        }

        return new RoomStaged { JobId = job, Attempt = attempt, Outputs = outputs, Usage = new ProviderUsage { Model = "gpt-image-1", DurationMilliseconds = 1200, RequestId = "req_1" } };
    }

    internal static StagingFailed Failed(Guid job, int attempt, string code, bool retryable, bool mayHaveCost = true, double? retryAfter = null) => new()
    {
        JobId = job,
        Attempt = attempt,
        Code = code,
        Retryable = retryable,
        MayHaveCost = mayHaveCost,
        RetryAfterSeconds = retryAfter,
    };
}
