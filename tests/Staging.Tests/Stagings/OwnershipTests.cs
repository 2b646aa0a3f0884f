using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.Stagings;

public sealed class OwnershipTests(StagingFixture fixture) : IClassFixture<StagingFixture>
{
    private readonly StagingApp _app = fixture.App;

    [Theory]
    [InlineData("GET", "")]
    [InlineData("GET", "/events")]
    [InlineData("GET", "/images/1?variant=labeled")]
    [InlineData("GET", "/images/1?variant=clean")]
    [InlineData("GET", "/images/1?variant=thumb")]
    [InlineData("GET", "/original")]
    [InlineData("GET", "/preview")]
    [InlineData("POST", "/cancel")]
    [InlineData("POST", "/regenerate")]
    [InlineData("DELETE", "")]
    public async Task Anothers_job_is_not_found_on_any_route_exactly_like_an_unknown_one(string method, string path)
    {
        var owner = _app.Visitor();
        var id = await owner.SubmitAsync();
        await _app.ClaimAsync(id);
        await _app.PublishAsync(await Samples.StagedAsync(_app.Blobs, id, 1, 1));
        await owner.UntilAsync(id, "succeeded");
        var stranger = _app.Visitor();

        var anothers = await stranger.SendAsync(new HttpMethod(method), $"/api/v1/stagings/{id}{path}");
        var unknown = await stranger.SendAsync(new HttpMethod(method), $"/api/v1/stagings/{Guid.CreateVersion7()}{path}");

        (anothers.Status, anothers.Code).ShouldBe((404, "not_found"));
        (unknown.Status, unknown.Code).ShouldBe((404, "not_found"));
        Said(anothers).ShouldBe(Said(unknown));
        (await owner.GetAsync(id)).Status.ShouldBe(200);

        static string Said(Answer answer)
        {
            var body = answer.Body!.DeepClone().AsObject();
            body.Remove("traceId");
            return body.ToJsonString();
        }
    }

    [Fact]
    public async Task Anothers_photo_cannot_be_staged()
    {
        var photo = await _app.Visitor().UploadAsync(Samples.Photo);

        var answer = await _app.Visitor().SubmitJsonAsync(Visitor.Fields(("photoId", photo.Text("id"))));

        (answer.Status, answer.Code).ShouldBe((400, "photo_unknown"));
        ((string)answer.Body!["errors"]!["photoId"]![0]!).ShouldContain("no such photo");
    }

    [Theory]
    [InlineData("GET", "/api/v1/stagings")]
    [InlineData("GET", "/api/v1/events")]
    [InlineData("POST", "/api/v1/photos")]
    [InlineData("POST", "/api/v1/stagings")]
    public async Task Nobody_is_unauthenticated(string method, string path)
    {
        var nobody = new Visitor(_app, Guid.Empty, "anonymous");

        (await nobody.SendAsync(new HttpMethod(method), path)).Status.ShouldBe(401);
    }

    [Fact]
    public async Task Everybody_may_read_the_catalogue()
    {
        var answer = await new Visitor(_app, Guid.Empty, "anonymous").GetAsync("/api/v1/catalog");

        answer.Status.ShouldBe(200);
        answer.Body!["rooms"]!.AsArray().Count.ShouldBe(8);
        answer.Body["styles"]!.AsArray().Count.ShouldBe(12);
        answer.Body["qualities"]!.AsArray().Select(quality => ((string)quality!["id"]!, (int)quality["credits"]!))
            .ShouldBe([("draft", 1), ("standard", 1), ("high", 2)]);
    }

    [Fact]
    public async Task A_gateway_token_opens_no_internal_route_and_a_worker_token_no_public_one()
    {
        using var claim = new HttpRequestMessage(HttpMethod.Post, $"/internal/jobs/{Guid.NewGuid()}/claim");
        using var list = new HttpRequestMessage(HttpMethod.Get, "/api/v1/stagings");

        ((int)(await _app.SendAsync(claim, "gateway", Guid.NewGuid(), "visitor")).StatusCode).ShouldBe(403);
        ((int)(await _app.SendAsync(list, "staging-worker", Guid.NewGuid(), "visitor")).StatusCode).ShouldBe(403);
    }
}
