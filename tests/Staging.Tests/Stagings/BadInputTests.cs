using System.Buffers.Binary;
using System.Text;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.Stagings;

public sealed class BadInputTests(StagingFixture fixture) : IClassFixture<StagingFixture>
{
    private readonly StagingApp _app = fixture.App;

    public static TheoryData<string, int, string, string?> Photos() => new()
    {
        { "text", 422, "image_rejected", "not_an_image" },
        { "nothing", 422, "image_rejected", "not_an_image" },
        { "truncated", 422, "image_rejected", "truncated" },
        { "bomb", 422, "image_rejected", "too_large_dimensions" },
        { "small", 422, "image_rejected", "too_small" },
        { "pdf", 422, "image_rejected", "unsupported_type" },
        { "30 MB", 413, "payload_too_large", null },
    };

    [Theory]
    [MemberData(nameof(Photos))]
    public async Task A_file_that_cannot_be_staged_is_refused_with_the_reason_and_leaves_nothing(string what, int status, string code, string? reason)
    {
        var visitor = _app.Visitor();
        var file = File(what);

        foreach (var answer in (Answer[])[await visitor.UploadAsync(file), await visitor.SubmitFormAsync(photo: file)])
        {
            (answer.Status, answer.Code, (string?)answer.Body!["reason"]).ShouldBe((status, code, reason));
            ((bool)answer.Body["billed"]!).ShouldBeFalse();
            answer.Text("detail").ShouldNotBeEmpty();
        }

        await NothingIsLeftOfAsync(visitor);
    }

    public static TheoryData<string, object?, string> Fields() => new()
    {
        { "room", "garage", "living_room" },
        { "room", null, "living_room" },
        { "style", "brutalist", "japandi" },
        { "style", 7, "japandi" },
        { "quality", "ultra", "draft" },
        { "variations", 0, "1 to 4" },
        { "variations", 5, "1 to 4" },
        { "variations", "2", "1 to 4" },
        { "variations", 1.5, "1 to 4" },
        { "declutter", "yes", "true or false" },
        { "prompt", "bell \a", "control" },
        { "photoId", "abc", "POST /api/v1/photos" },
        { "colour", "red", "no such field" },
        { "format", "gif", "jpeg, png, webp" },
        { "size", "1024", "1536x1024" },
        { "seed", -1, "0 to 2147483647" },
    };

    [Theory]
    [MemberData(nameof(Fields))]
    public async Task A_faulty_field_is_named_with_what_it_takes(string field, object? value, string says)
    {
        var visitor = _app.Visitor();
        var photo = await visitor.UploadAsync(Samples.Photo);
        var fields = Visitor.Fields(("photoId", photo.Text("id")));
        fields[field] = value;

        var answer = await visitor.SubmitJsonAsync(fields);

        (answer.Status, answer.Code).ShouldBe((400, "validation_failed"));
        ((string)answer.Body!["errors"]![field]![0]!).ShouldContain(says);
        (await _app.CountAsync($"jobs where account_id = '{visitor.Account}'")).ShouldBe(0);
    }

    [Fact]
    public async Task A_prompt_that_is_too_long_has_a_code_of_its_own_and_with_other_faults_is_one_of_them()
    {
        var visitor = _app.Visitor();
        var prompt = ("prompt", (object?)new string('x', 2001));

        var alone = await visitor.SubmitFormAsync(Visitor.Fields(prompt));
        var among = await visitor.SubmitFormAsync(Visitor.Fields(prompt, ("style", "rococo")));

        (alone.Status, alone.Code).ShouldBe((400, "prompt_too_long"));
        (alone.Text("detail"), (string)alone.Body!["errors"]!["prompt"]![0]!).ShouldBe(("Use at most 2,000 characters; these are 2,001.", "Use at most 2,000 characters; these are 2,001."));
        (among.Code, among.Body!["errors"]!.AsObject().Count).ShouldBe(("validation_failed", 2));
        (await _app.CountAsync($"jobs where account_id = '{visitor.Account}'")).ShouldBe(0);
    }

    [Fact]
    public async Task All_faulty_fields_are_named_at_once()
    {
        var answer = await _app.Visitor().SubmitJsonAsync(new() { ["style"] = "x", ["variations"] = 9 });

        answer.Body!["errors"]!.AsObject().Select(error => error.Key).ShouldBe(["photoId", "room", "style", "variations"], ignoreOrder: true);
    }

    [Theory]
    [InlineData("{", "application/json", 400, "validation_failed")]
    [InlineData("[]", "application/json", 400, "validation_failed")]
    [InlineData("""{"room":"office","room":"kitchen"}""", "application/json", 400, "validation_failed")]
    [InlineData("room=office", "text/plain", 415, "unsupported_media_type")]
    [InlineData("room=office", "application/x-www-form-urlencoded", 415, "unsupported_media_type")]
    [InlineData("nonsense", "multipart/form-data; boundary=x", 400, "validation_failed")]
    [InlineData("nonsense", "multipart/form-data", 400, "validation_failed")]
    public async Task A_body_that_cannot_be_read_is_refused(string body, string contentType, int status, string code)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", contentType);

        var answer = await _app.Visitor().SendAsync(HttpMethod.Post, "/api/v1/stagings", content);

        (answer.Status, answer.Code).ShouldBe((status, code), answer.Body?.ToString());
    }

    [Theory]
    [InlineData("/api/v1/stagings", """{"room":"\ud800"}""")]
    [InlineData("/api/v1/stagings", """{"\udc00":1}""")]
    [InlineData("/api/v1/stagings", """{"\udc00":1,"\udc00":2}""")]
    [InlineData("/api/v1/listings", """{"photos":[{"photoId":"\ud800","room":"office"}]}""")]
    [InlineData("/api/v1/listings", """{"photos":[{"photoId":"x","\ud800":"office"}]}""")]
    [InlineData("/api/v1/listings", """{"name":"\ud800"}""")]
    [InlineData("/api/v1/webhook-endpoints", """{"url":"\ud800","eventTypes":["\udc00"]}""")]
    [InlineData("/api/v1/webhook-endpoints", """{"\ud800":1}""")]
    [InlineData("/api/v1/webhook-endpoints", """{"\ud800":1,"\ud800":2}""")]
    public async Task Half_a_character_is_no_text(string path, string body)
    {
        var answer = await _app.Visitor(kind: "member").SendAsync(HttpMethod.Post, path, new StringContent(body, Encoding.UTF8, "application/json"));

        (answer.Status, answer.Code).ShouldBe((400, "validation_failed"), answer.Body?.ToString());
    }

    [Fact]
    public async Task A_large_json_body_is_refused()
    {
        var answer = await _app.Visitor().SubmitJsonAsync(Visitor.Fields(("prompt", new string('x', 100_000))));

        (answer.Status, answer.Code).ShouldBe((413, "payload_too_large"));
    }

    [Theory]
    [InlineData(0, 201, null)]
    [InlineData(20_000_001, 413, "payload_too_large")]
    public async Task A_photo_that_comes_without_its_length_is_read_up_to_the_limit(int padding, int status, string? code)
    {
        byte[] file = [.. Samples.Photo, .. new byte[padding]];
        var content = new StreamContent(new MemoryStream(file)) { Headers = { ContentType = new("image/jpeg") } };

        var answer = await _app.Visitor().SendAsync(HttpMethod.Post, "/api/v1/photos", content, headers: headers => headers.TransferEncodingChunked = true);

        (answer.Status, answer.Code).ShouldBe((status, code));
    }

    [Fact]
    public async Task A_form_without_a_photo_or_with_two_is_refused()
    {
        var visitor = _app.Visitor();
        using var without = new MultipartFormDataContent { { new StringContent("office"), "room" }, { new StringContent("modern"), "style" } };
        using var with = new MultipartFormDataContent
        {
            { new ByteArrayContent(Samples.Photo), "photo", "a.jpg" },
            { new ByteArrayContent(Samples.Photo), "photo", "b.jpg" },
        };

        var none = await visitor.SendAsync(HttpMethod.Post, "/api/v1/stagings", without);
        var two = await visitor.SendAsync(HttpMethod.Post, "/api/v1/stagings", with);

        (none.Status, two.Status).ShouldBe((400, 400));
        none.Body!["errors"]!["photo"].ShouldNotBeNull();
        two.Body!["errors"]!["photo"].ShouldNotBeNull();
    }

    [Theory]
    [InlineData("text/html")]
    [InlineData(null)]
    public async Task A_photo_of_a_wrong_media_type_is_refused(string? mediaType)
    {
        var answer = await _app.Visitor().UploadAsync(Samples.Photo, mediaType);

        (answer.Status, answer.Code).ShouldBe((415, "unsupported_media_type"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("with space")]
    [InlineData("long")]
    public async Task A_key_that_is_none_is_refused(string key)
    {
        var visitor = _app.Visitor();
        var value = key == "long" ? new string('k', 256) : key;

        var answer = await visitor.SendAsync(HttpMethod.Post, "/api/v1/stagings", new StringContent("{}"), headers: headers => headers.TryAddWithoutValidation("Idempotency-Key", value));

        (answer.Status, answer.Code).ShouldBe((400, "validation_failed"));
    }

    private static byte[] File(string what) => what switch
    {
        "text" => Encoding.UTF8.GetBytes("This is not a photo, and says so at some length."),
        "nothing" => [],
        "truncated" => Samples.Photo[..(Samples.Photo.Length / 2)],
        "bomb" => PngOf(30_000, 30_000),
        "small" => PngOf(255, 400),
        "pdf" => Encoding.ASCII.GetBytes("%PDF-1.7 and so on and on"),
        _ => new byte[30 * 1024 * 1024],
    };

    private async Task NothingIsLeftOfAsync(Visitor visitor)
    {
        (await _app.CountAsync($"jobs where account_id = '{visitor.Account}'")).ShouldBe(0);
        (await _app.CountAsync($"photos where account_id = '{visitor.Account}'")).ShouldBe(0);
        _app.Entitlements.Holds.Values.ShouldNotContain(hold => hold.AccountId == visitor.Account);
    }

    /// <summary>A PNG whose header says so much; what it has of pixels is one row of nothing.</summary>
    private static byte[] PngOf(int width, int height)
    {
        using var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (8, 2);
        Chunk("IHDR", header);
        Chunk("IDAT", [0x78, 0x9C, 0x63, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01]);
        Chunk("IEND", []);
        return file.ToArray();

        void Chunk(string type, byte[] data)
        {
            Span<byte> number = stackalloc byte[4];
            byte[] body = [.. Encoding.ASCII.GetBytes(type), .. data];
            BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
            file.Write(number);
            file.Write(body);
            BinaryPrimitives.WriteUInt32BigEndian(number, Crc(body));
            file.Write(number);
        }
    }

    private static uint Crc(byte[] data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0xEDB88320;
        }

        return ~crc;
    }
}
