using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using HomeStage.Simulators.OpenAI;
using HomeStage.Simulators.Tests.Infrastructure;

namespace HomeStage.Simulators.Tests.OpenAI;

public sealed class OpenAiFaultTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("""{ "kind": "moderation" }""", "BadRequestError", "moderation_blocked", null)]
    [InlineData("""{ "kind": "status", "status": 429, "retryAfter": 12 }""", "RateLimitError", "rate_limit_exceeded", "12")]
    [InlineData("""{ "kind": "status", "status": 429, "code": "insufficient_quota" }""", "RateLimitError", "insufficient_quota", null)]
    [InlineData("""{ "kind": "status", "status": 503 }""", "InternalServerError", null, null)]
    [InlineData("""{ "kind": "status", "status": 500, "performed": true }""", "InternalServerError", "server_error", null)]
    [InlineData("""{ "kind": "cut_after_reading" }""", "APIConnectionError", null, null)]
    public async Task Official_client_sees_the_fault_as_its_own_error_once(string fault, string errorClass, string? code, string? retryAfter)
    {
        await using var peer = await OpenAiPeer.Start();
        await peer.Queue(JsonNode.Parse(fault)!);

        var error = OfficialClientTests.Error(await peer.Client("edit", new { size = "1024x1024" }));
        using var next = await peer.Edit(("size", "1024x1024"));

        OfficialClientTests.Read(error, "class", "code", "retryAfter").ShouldBe([errorClass, code, retryAfter]);
        next.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("cut_before_reading", 0)]
    [InlineData("cut_after_reading", 1)]
    [InlineData("cut_mid_body", 1)]
    public async Task Cut_connection_fails_the_call_and_the_picture_is_charged_or_not(string kind, int charged)
    {
        await using var peer = await OpenAiPeer.Start();
        await peer.Queue(new { kind });

        await Should.ThrowAsync<Exception>(async () =>
        {
            using var answer = await peer.Edit(("size", "1024x1024"));
            await answer.Content.ReadAsByteArrayAsync(Cancel);
        });

        await Eventually.Async(async () => (await peer.Stats())["inFlight"]!.GetValue<int>() == 0, "the call's end");
        var stats = await peer.Stats();
        stats["calls"]!.GetValue<int>().ShouldBe(1);
        stats["images"]!.GetValue<int>().ShouldBe(charged);
        stats["requests"]![0]!["status"].ShouldBeNull();
    }

    [Fact]
    public async Task Malformed_body_comes_whole_and_cannot_be_parsed()
    {
        await using var peer = await OpenAiPeer.Start();
        await peer.Queue(new { kind = "malformed_body" });

        using var answer = await peer.Edit(("size", "1024x1024"));
        var body = await answer.Content.ReadAsStringAsync(Cancel);

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        Should.Throw<JsonException>(() => JsonNode.Parse(body));
    }

    [Fact]
    public async Task Slow_body_is_the_right_answer_in_its_own_time()
    {
        await using var peer = await OpenAiPeer.Start();
        await peer.Queue(new { kind = "slow_body", seconds = 0.2 });

        using var answer = await peer.Edit(("size", "1024x1024"));

        (await Picture(answer)).ShouldBe(new ImageHeader("image/png", 1024, 1024));
    }

    [Fact]
    public async Task Wrong_image_type_is_another_than_the_answer_says()
    {
        await using var peer = await OpenAiPeer.Start();
        await peer.Queue(new { kind = "wrong_image_type" });

        using var answer = await peer.Edit(("size", "1024x1024"), ("output_format", "webp"));

        (await Picture(answer))!.MediaType.ShouldBe("image/png");
    }

    [Fact]
    public async Task Empty_data_and_bytes_that_are_no_image_are_successes()
    {
        await using var peer = await OpenAiPeer.Start();
        await peer.Queue(new object[] { new { kind = "empty_data" }, new { kind = "not_an_image" } });

        var empty = await (await peer.Edit()).Content.ReadFromJsonAsync<JsonNode>(Cancel);
        using var garbage = await peer.Edit();

        empty!["data"]!.AsArray().ShouldBeEmpty();
        (await Picture(garbage)).ShouldBeNull();
    }

    [Fact]
    public async Task Hanging_call_ends_when_the_client_gives_up_and_is_seen_to_run_until_then()
    {
        await using var peer = await OpenAiPeer.Start();
        await peer.Queue(new { kind = "hang" });
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);

        var call = peer.Http.PostAsync("/v1/images/edits", new StringContent("x"), patience.Token);
        await Eventually.Async(async () => (await peer.Stats())["inFlight"]!.GetValue<int>() == 1, "the hanging call");
        await patience.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(async () => await call);
        await Eventually.Async(async () => (await peer.Stats())["inFlight"]!.GetValue<int>() == 0, "the call's end");
    }

    [Fact]
    public async Task Calls_at_once_are_counted()
    {
        await using var peer = await OpenAiPeer.Start(latency: TimeSpan.FromSeconds(30));
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);

        var calls = Enumerable.Range(0, 3).Select(async _ =>
        {
            using var form = new MultipartFormDataContent { { new StringContent("a room"), "prompt" } };
            var photo = new ByteArrayContent(await File.ReadAllBytesAsync(OpenAiPeer.Photo, Cancel));
            photo.Headers.ContentType = new("image/jpeg");
            form.Add(photo, "image", "room.jpg");
            await peer.Http.PostAsync("/v1/images/edits", form, patience.Token);
        }).ToList();
        await Eventually.Async(async () => (await peer.Stats())["inFlight"]!.GetValue<int>() == 3, "three calls at once");
        await patience.CancelAsync();
        foreach (var call in calls)
            await Should.ThrowAsync<OperationCanceledException>(async () => await call);

        await Eventually.Async(async () => (await peer.Stats())["inFlight"]!.GetValue<int>() == 0, "their end");
        var stats = await peer.Stats();
        stats["maxInFlight"]!.GetValue<int>().ShouldBe(3);
        stats["requests"]!.ToJsonString().ShouldNotContain(OpenAiPeer.Key);
    }

    [Fact]
    public async Task Latency_can_be_changed_while_it_runs()
    {
        await using var peer = await OpenAiPeer.Start(latency: TimeSpan.FromHours(1));
        using var changed = await peer.Http.PostAsJsonAsync("/control/settings", new { latencyMs = 1 }, Cancel);
        changed.EnsureSuccessStatusCode();

        using var answer = await peer.Edit(("size", "1024x1024"));

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Faults_strike_only_what_they_match_after_what_they_skip()
    {
        await using var peer = await OpenAiPeer.Start();
        await peer.Queue(new { kind = "status", match = "POST /v1/images/*", skip = 1, count = 2 });
        await peer.Queue(new { kind = "status", match = "/v1/other" });

        var statuses = new List<HttpStatusCode>();
        for (var call = 0; call < 4; call++)
        {
            using var answer = await peer.Edit(("size", "1024x1024"));
            statuses.Add(answer.StatusCode);
        }

        statuses.ShouldBe([HttpStatusCode.OK, HttpStatusCode.InternalServerError, HttpStatusCode.InternalServerError, HttpStatusCode.OK]);
        var left = (await peer.Http.GetFromJsonAsync<JsonNode>("/control/faults", Cancel))!.AsArray();
        left.Count.ShouldBe(1);
        using var cleared = await peer.Http.DeleteAsync("/control/faults", Cancel);
        (await peer.Http.GetFromJsonAsync<JsonNode>("/control/faults", Cancel))!.AsArray().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("""{ "kind": "earthquake" }""")]
    [InlineData("""{ "kind": "hang", "sekonds": 3 }""")]
    [InlineData("""{ "kind": "status", "status": 200 }""")]
    [InlineData("""{ "kind": "hang", "count": 0 }""")]
    [InlineData("""[]""")]
    [InlineData("""not json""")]
    public async Task Fault_that_makes_no_sense_is_refused(string fault)
    {
        await using var peer = await OpenAiPeer.Start();

        using var answer = await peer.Http.PostAsync("/control/faults", new StringContent(fault), Cancel);

        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await answer.Content.ReadFromJsonAsync<JsonNode>(Cancel))!["error"]!.GetValue<string>().ShouldNotBeEmpty();
    }

    private static async Task<ImageHeader?> Picture(HttpResponseMessage answer)
    {
        var body = await answer.Content.ReadFromJsonAsync<JsonNode>(Cancel);
        return ImageHeader.Read(Convert.FromBase64String(body!["data"]![0]!["b64_json"]!.GetValue<string>()));
    }
}
