using System.Net.Http.Json;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.Stagings;

public sealed class RegenerateTests(StagingFixture fixture) : IClassFixture<StagingFixture>
{
    private readonly StagingApp _app = fixture.App;

    [Fact]
    public async Task The_photo_is_staged_again_with_what_is_changed_and_without_an_upload()
    {
        var visitor = _app.Visitor();
        var first = await visitor.SubmitAsync(("prompt", "a green sofa"), ("declutter", true), ("variations", 2), ("quality", "standard"));

        var again = await AgainAsync(visitor, first, new { style = "japandi", quality = "high", variations = 1, format = "png", size = "1024x1024" });

        again.Status.ShouldBe(202, again.Body?.ToString());
        again.Response.Headers.Location!.ToString().ShouldBe($"/api/v1/stagings/{again.Text("id")}");
        (again.Text("room"), again.Text("style"), again.Text("prompt"), (bool)again.Body!["declutter"]!).ShouldBe(("living_room", "japandi", "a green sofa", true));
        (again.Text("sourceId"), (int)again.Body["cost"]!["credits"]!).ShouldBe((first.ToString(), 2));
        var job = Guid.Parse(again.Text("id"));
        (_app.Entitlements.Holds[job].Credits, _app.Entitlements.Holds[job].Quality).ShouldBe((2, "high"));
        var (before, work) = (await _app.SentAsync(first), await _app.SentAsync(job));
        (work.Options.Style, work.Options.Words, work.Options.Format, work.Options.Size, work.VariationsMissing).ShouldBe(("japandi", "a green sofa", "png", "1024x1024", 1));
        work.OriginalBlob.ShouldBe(before.OriginalBlob.Replace(first.ToString(), job.ToString(), StringComparison.Ordinal));
        (await _app.Blobs.ExistsAsync(work.OriginalBlob)).ShouldBeTrue();
        (work.PhotoWidth, work.PhotoHeight).ShouldBe((before.PhotoWidth, before.PhotoHeight));
    }

    [Fact]
    public async Task What_is_null_is_taken_back()
    {
        var visitor = _app.Visitor();
        var first = await visitor.SubmitAsync(("prompt", "a green sofa"), ("size", "1024x1024"));

        var again = await AgainAsync(visitor, first, new { prompt = (string?)null, size = (string?)null });

        (again.Status, again.Body!["prompt"], again.Body["size"]).ShouldBe((202, null, null));
    }

    [Fact]
    public async Task The_same_key_and_request_is_the_same_staging_also_after_the_earlier_one_was_deleted()
    {
        var visitor = _app.Visitor();
        var first = await EndedAsync(visitor);
        var key = Guid.NewGuid().ToString();

        var answers = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => AgainAsync(visitor, first, new { style = "modern" }, key)));
        await visitor.SendAsync(HttpMethod.Delete, $"/api/v1/stagings/{first}");
        var late = await AgainAsync(visitor, first, new { style = "modern" }, key);
        var other = await AgainAsync(visitor, first, new { style = "luxury" }, key);

        answers.Append(late).ShouldAllBe(answer => answer.Status == 202);
        answers.Append(late).Select(answer => answer.Text("id")).Distinct().ShouldHaveSingleItem();
        (other.Status, other.Code).ShouldBe((409, "idempotency_conflict"));
        (await visitor.GetAsync($"/api/v1/stagings/{late.Text("id")}/original")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_refusal_is_not_the_answer_to_the_same_request_that_was_accepted_meanwhile()
    {
        var visitor = _app.Visitor();
        var earlier = await EndedAsync(visitor);
        var key = Guid.NewGuid().ToString();
        var (looking, answer) = (new TaskCompletionSource(), new TaskCompletionSource());
        _app.Blobs.Hides = async file =>
        {
            if (!file.StartsWith($"{earlier}/", StringComparison.Ordinal))
                return false;
            _app.Blobs.Hides = _ => Task.FromResult(false);
            looking.SetResult();
            await answer.Task;
            return true;
        };

        var late = AgainAsync(visitor, earlier, new { style = "modern" }, key);
        await looking.Task;
        var first = await AgainAsync(visitor, earlier, new { style = "modern" }, key);
        answer.SetResult();

        foreach (var same in (Answer[])[first, await late, await AgainAsync(visitor, earlier, new { style = "modern" }, key)])
            (same.Status, same.Text("id")).ShouldBe((202, first.Text("id")));
    }

    [Fact]
    public async Task Of_a_deleted_staging_the_photo_is_gone_and_nothing_is_held_or_stored()
    {
        var visitor = _app.Visitor();
        var first = await EndedAsync(visitor);
        await visitor.SendAsync(HttpMethod.Delete, $"/api/v1/stagings/{first}");

        var again = await AgainAsync(visitor, first, new { style = "modern" });

        (again.Status, again.Code, (bool)again.Body!["billed"]!).ShouldBe((410, "photo_gone", false));
        (await _app.CountAsync($"jobs where account_id = '{visitor.Account}'")).ShouldBe(1);
        _app.Entitlements.Holds.Values.Count(hold => hold.AccountId == visitor.Account).ShouldBe(1);
    }

    [Fact]
    public async Task Anothers_staging_and_an_unknown_one_are_not_found_and_too_few_credits_are_said()
    {
        var owner = _app.Visitor();
        var first = await owner.SubmitAsync();

        (await AgainAsync(_app.Visitor(), first, new { })).Status.ShouldBe(404);
        (await AgainAsync(owner, Guid.CreateVersion7(), new { })).Status.ShouldBe(404);
        _app.Entitlements.Wallets[owner.Account] = Wallet.Empty;
        var refused = await AgainAsync(owner, first, new { });
        (refused.Status, refused.Code, (bool)refused.Body!["billed"]!).ShouldBe((402, "insufficient_credits", false));
    }

    [Fact]
    public async Task What_it_does_not_take_is_named()
    {
        var visitor = _app.Visitor();
        var first = await visitor.SubmitAsync();

        var answer = await AgainAsync(visitor, first, new { photoId = Guid.NewGuid(), style = "rococo", variations = 9 });
        var form = await visitor.SendAsync(HttpMethod.Post, $"/api/v1/stagings/{first}/regenerate", new MultipartFormDataContent { { new StringContent("modern"), "style" } });

        (answer.Status, answer.Code).ShouldBe((400, "validation_failed"));
        answer.Body!["errors"]!.AsObject().Select(error => error.Key).ShouldBe(["photoId", "style", "variations"], ignoreOrder: true);
        (form.Status, form.Code).ShouldBe((415, "unsupported_media_type"));
    }

    [Theory]
    [InlineData("size", "640x480", "1024x1024")]
    [InlineData("seed", 7, "leave it out")]
    public async Task An_option_that_the_model_does_not_have_is_refused_with_what_it_has(string option, object value, string says)
    {
        var visitor = _app.Visitor();

        var answer = await visitor.SubmitFormAsync(Visitor.Fields((option, value)));

        (answer.Status, answer.Code, answer.Text("option")).ShouldBe((400, "option_not_supported", option));
        answer.Text("detail").ShouldContain(says);
        ((bool)answer.Body!["billed"]!).ShouldBeFalse();
        (await _app.CountAsync($"jobs where account_id = '{visitor.Account}'")).ShouldBe(0);
    }

    [Fact]
    public async Task The_catalogue_and_what_is_taken_are_those_of_the_model()
    {
        const string models = """
            {"default":"small","models":[{"name":"small","sizes":["512x512"],"qualities":{"draft":"a","standard":"b"},"formats":["jpeg"],"seed":true}]}
            """;
        await using var app = await StagingApp.StartAsync(fixture.Servers, setting: ("IMAGE_MODELS", models));
        var visitor = app.Visitor();

        var catalog = (await visitor.GetAsync("/api/v1/catalog")).Body!;
        var high = await visitor.SubmitFormAsync(Visitor.Fields(("quality", "high")));
        var webp = await visitor.SubmitFormAsync(Visitor.Fields(("format", "webp")));
        var job = await visitor.SubmitAsync(("seed", 42));

        catalog["rooms"]!.AsArray().Count.ShouldBe(8);
        catalog["styles"]!.AsArray().Count.ShouldBe(12);
        catalog["qualities"]!.AsArray().Select(quality => (string)quality!["id"]!).ShouldBe(["draft", "standard"]);
        catalog["rooms"]!.AsArray().Concat(catalog["styles"]!.AsArray()).ShouldAllBe(choice => ((string)choice!["description"]!).EndsWith('.'));
        ((bool)catalog["options"]!["seed"]!, catalog["options"]!["sizes"]!.ToJsonString()).ShouldBe((true, "[\"512x512\"]"));
        (high.Code, high.Body!["supported"]!.ToJsonString()).ShouldBe(("option_not_supported", "[\"draft\",\"standard\"]"));
        (webp.Code, webp.Body!["supported"]!.ToJsonString()).ShouldBe(("option_not_supported", "[\"jpeg\"]"));
        (await app.SentAsync(job)).Options.Seed.ShouldBe(42);
        foreach (var (change, seed) in new (object, int?)[] { (new { style = "modern" }, 42), (new { seed = 7 }, 7), (new { seed = (int?)null }, null) })
        {
            var again = await AgainAsync(visitor, job, change);
            (await app.SentAsync((Guid)again.Body!["id"]!)).Options.Seed.ShouldBe(seed);
        }
    }

    private static Task<Answer> AgainAsync(Visitor visitor, Guid job, object change, string? key = null) =>
        visitor.SendAsync(HttpMethod.Post, $"/api/v1/stagings/{job}/regenerate", JsonContent.Create(change), key);

    private async Task<Guid> EndedAsync(Visitor visitor)
    {
        var id = await visitor.SubmitAsync();
        await visitor.SendAsync(HttpMethod.Post, $"/api/v1/stagings/{id}/cancel");
        await visitor.UntilAsync(id, "canceled");
        return id;
    }
}
