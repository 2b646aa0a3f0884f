using System.Text.Json.Nodes;
using HomeStage.Simulators.OpenAI;
using HomeStage.Simulators.Tests.Infrastructure;

namespace HomeStage.Simulators.Tests.OpenAI;

/// <summary>OpenAI's own npm client against the simulator.</summary>
public sealed class OfficialClientTests
{
    [Fact]
    public async Task Edit_answers_a_picture_of_the_size_and_type_asked_for()
    {
        await using var peer = await OpenAiPeer.Start();
        string[] formats = ["png", "jpeg", "webp"];

        var results = await peer.Client("edit", formats.Select(format =>
            new { prompt = "Furnish this living room in scandinavian style", model = "gpt-image-1.5", size = "1024x1536", quality = "low", output_format = format }));

        foreach (var (format, result) in formats.Zip(results.AsArray()))
        {
            var answer = result!["answer"].ShouldNotBeNull(result.ToJsonString());
            var picture = Convert.FromBase64String(answer["data"]![0]!["b64_json"]!.GetValue<string>());
            ImageHeader.Read(picture).ShouldBe(new ImageHeader($"image/{format}", 1024, 1536));
            Read(answer, "size", "output_format", "quality", "background").ShouldBe(["1024x1536", format, "low", "opaque"]);
        }
    }

    [Fact]
    public async Task Answer_says_what_it_cost_and_what_is_left_of_the_limits()
    {
        await using var peer = await OpenAiPeer.Start();

        var result = await peer.Client("edit", new { size = "1024x1024", quality = "high" });

        var usage = result["answer"]!["usage"]!;
        Tokens("total_tokens").ShouldBe(Tokens("input_tokens") + Tokens("output_tokens"));
        Tokens("output_tokens").ShouldBe(4160);
        usage["input_tokens_details"]!["image_tokens"]!.GetValue<int>().ShouldBePositive();
        var headers = result["headers"]!.AsObject().Select(header => header.Key).ToArray();
        string[] expected = ["x-request-id", "openai-processing-ms", "openai-version", .. from kind in new[] { "requests", "tokens", "images" } from what in new[] { "limit", "remaining", "reset" } select $"x-ratelimit-{what}-{kind}"];
        expected.ShouldBeSubsetOf(headers);

        int Tokens(string name) => usage[name]!.GetValue<int>();
    }

    [Fact]
    public async Task Several_images_and_variations_are_taken_as_the_client_sends_them()
    {
        await using var peer = await OpenAiPeer.Start();

        var result = await peer.Client("editSeveral", new { n = 2, size = "1024x1024", safety_identifier = "hashed" });

        result["answer"]!["data"]!.AsArray().Count.ShouldBe(2);
        var call = (await peer.Stats())["requests"]![0]!;
        call["files"]!.AsArray().Select(file => file!["field"]!.GetValue<string>()).ShouldBe(["image[]", "image[]"]);
        call["fields"]!["safety_identifier"]!.GetValue<string>().ShouldBe("hashed");
        call["images"]!.GetValue<int>().ShouldBe(2);
    }

    [Fact]
    public async Task Streaming_sends_partial_images_then_the_whole_one()
    {
        await using var peer = await OpenAiPeer.Start();

        var result = await peer.Client("stream", new { partial_images = 2, size = "1024x1024", output_format = "jpeg" });

        var events = result["events"].ShouldNotBeNull(result.ToJsonString()).AsArray();
        events.Select(item => item!["type"]!.GetValue<string>()).ShouldBe(["image_edit.partial_image", "image_edit.partial_image", "image_edit.completed"]);
        events.Take(2).Select(item => item!["partial_image_index"]!.GetValue<int>()).ShouldBe([0, 1]);
        events[2]!["usage"]!["output_tokens"]!.GetValue<int>().ShouldBePositive();
    }

    [Fact]
    public async Task A_question_about_a_picture_is_answered_in_the_form_of_its_schema_or_refused_as_it_should_be()
    {
        await using var peer = await OpenAiPeer.Start();
        var zones = new { type = "array", items = new { type = "object", properties = new { kind = new { type = "string" } }, required = (string[])["kind"], additionalProperties = false } };

        var results = (await peer.Client("look", (object[])
        [
            new { model = "gpt-4.1-mini", response_format = Format(new { type = "object", properties = new { zones }, required = (string[])["zones"], additionalProperties = false }) },
            new { model = "gpt-4.1-mini", response_format = Format(new { type = "object", properties = new { zones }, required = (string[])["zones"] }) },
            new { model = "gpt-4.1-mini", response_format = Format(new { type = "object", properties = new { zones }, additionalProperties = false }) },
            new { model = "gpt-4.1-mini", reasoning_effort = "low" },
            new { model = "gpt-5-mini", max_tokens = 100 },
            new { model = "gpt-3" },
        ])).AsArray();

        var message = results[0]!["answer"].ShouldNotBeNull(results[0]!.ToJsonString())["choices"]![0]!["message"]!;
        message["parsed"]!["zones"]!.AsArray().Count.ShouldBe(4);
        results[0]!["answer"]!["usage"]!["prompt_tokens"]!.GetValue<int>().ShouldBePositive();
        results.Skip(1).Select(result => string.Join(' ', Read(Error(result!), "class", "param", "code"))).ShouldBe(
        [
            "BadRequestError response_format ", "BadRequestError response_format ", "BadRequestError  ", "BadRequestError max_tokens unsupported_parameter", "NotFoundError  model_not_found",
        ]);

        static object Format(object schema) => new { type = "json_schema", json_schema = new { name = "zones", strict = true, schema } };
    }

    [Fact]
    public async Task Wrong_key_is_an_authentication_error()
    {
        await using var peer = await OpenAiPeer.Start();

        var error = Error(await peer.Client("edit", apiKey: "sk-wrong-0123456789"));

        Read(error, "class", "code", "type").ShouldBe(["AuthenticationError", "invalid_api_key", "invalid_request_error"]);
        error["requestId"]!.GetValue<string>().ShouldStartWith("req_");
        error["message"]!.GetValue<string>().ShouldNotContain("sk-wrong-0123456789");
    }

    [Fact]
    public async Task Senseless_parameter_is_a_bad_request_that_names_it()
    {
        await using var peer = await OpenAiPeer.Start();
        (object parameters, string param, string code)[] cases =
        [
            (new { quality = "ultra" }, "quality", "invalid_value"),
            (new { size = "999x999" }, "size", "invalid_value"),
            (new { size = "1000x1000", model = "gpt-image-2" }, "size", "invalid_value"),
            (new { n = 11 }, "n", "integer_above_max_value"),
            (new { n = 0 }, "n", "integer_below_min_value"),
            (new { prompt = "" }, "prompt", "missing_required_parameter"),
            (new { output_format = "bmp" }, "output_format", "invalid_value"),
            (new { output_compression = 50 }, "output_compression", "invalid_png_output_compression"),
            (new { response_format = "url" }, "response_format", "unknown_parameter"),
            (new { input_fidelity = "high", model = "gpt-image-2" }, "input_fidelity", "invalid_input_fidelity_model"),
            (new { stream = true, n = 2 }, "", ""),
        ];

        var results = (await peer.Client("edit", cases.Select(senseless => senseless.parameters))).AsArray();

        results.Select(result => string.Join(' ', Read(Error(result!), "class", "param", "code", "type")))
            .ShouldBe(cases.Select(expected => $"BadRequestError {expected.param} {expected.code} invalid_request_error"));
        (await peer.Stats())["images"]!.GetValue<int>().ShouldBe(0);
    }

    [Fact]
    public async Task Unknown_and_retired_models_are_not_found()
    {
        await using var peer = await OpenAiPeer.Start();

        var results = (await peer.Client("edit", new[] { new { model = "gpt-image-9" }, new { model = "gpt-image-1" } })).AsArray();

        results.Count.ShouldBe(2);
        foreach (var result in results)
            Read(Error(result!), "class", "code", "param").ShouldBe(["NotFoundError", "model_not_found", "model"]);
    }

    [Fact]
    public async Task File_without_an_image_type_is_refused_as_OpenAI_does()
    {
        await using var peer = await OpenAiPeer.Start();

        var error = Error(await peer.Client("edit", photoType: "application/octet-stream"));

        Read(error, "class", "param", "code").ShouldBe(["BadRequestError", "image", "unsupported_file_mimetype"]);
    }

    [Fact]
    public async Task File_that_is_no_image_is_refused()
    {
        await using var peer = await OpenAiPeer.Start();

        var error = Error(await peer.Client("edit", photo: typeof(OfficialClientTests).Assembly.Location));

        Read(error, "class", "code", "type").ShouldBe(["BadRequestError", "invalid_image_file", "image_generation_user_error"]);
    }

    [Fact]
    public async Task Rate_limit_of_the_account_is_enforced_and_says_when_to_come_back()
    {
        await using var peer = await OpenAiPeer.Start(imagesPerMinute: 1);

        var first = await peer.Client("edit", new { n = 1, size = "1024x1024" });
        var error = Error(await peer.Client("edit", new { size = "1024x1024" }));

        first["answer"].ShouldNotBeNull();
        Read(error, "class", "code", "type").ShouldBe(["RateLimitError", "rate_limit_exceeded", "input-images"]);
        double.Parse(error["retryAfter"]!.GetValue<string>()).ShouldBeInRange(1, 60);
    }

    [Fact]
    public async Task Client_comes_back_by_itself_after_a_rate_limit()
    {
        await using var peer = await OpenAiPeer.Start();
        await peer.Queue(new { kind = "status", status = 429, retryAfter = 0.01 });

        var result = await peer.Client("edit", new { size = "1024x1024" }, maxRetries: 1);

        result["answer"].ShouldNotBeNull(result.ToJsonString());
        (await peer.Stats())["requests"]!.AsArray().Select(call => call!["status"]!.GetValue<int>()).ShouldBe([429, 200]);
    }

    internal static JsonNode Error(JsonNode result) => result["error"].ShouldNotBeNull(result.ToJsonString()[..Math.Min(300, result.ToJsonString().Length)]);

    internal static string?[] Read(JsonNode error, params string[] names) => [.. names.Select(name => error[name]?.ToString())];
}
