using System.Text.Json.Nodes;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.Listings;

/// <summary>What is no listing: each fault has its own code and sentence, and leaves nothing.</summary>
[Collection(ListingScene.Name)]
public sealed class ListingInputTests(StagingFixture fixture)
{
    private readonly StagingApp _app = fixture.App;

    public static TheoryData<string, int, string, string?> Faults() => new()
    {
        { "no photos", 400, "listing_empty", null },
        { "an empty list", 400, "listing_empty", null },
        { "51 photos", 400, "listing_too_long", null },
        { "a text for the photos", 400, "listing_unreadable", "photos" },
        { "a text among the photos", 400, "listing_unreadable", "photos[1]" },
        { "an id that is none", 400, "listing_unreadable", "photos[1].photoId" },
        { "no room", 400, "listing_unreadable", "photos[1].room" },
        { "a member too many", 400, "listing_unreadable", "photos[1].floor" },
        { "a photo twice", 400, "photo_repeated", "photos[1].photoId" },
        { "an unknown photo", 400, "photo_unknown", "photos[1].photoId" },
        { "another's photo", 400, "photo_unknown", "photos[1].photoId" },
        { "an expired photo", 410, "photo_gone", "photos[1].photoId" },
        { "a photo without its file", 410, "photo_gone", "photos[1].photoId" },
        { "an unknown room", 400, "validation_failed", "photos[1].room" },
        { "an unknown style", 400, "validation_failed", "style" },
        { "an unknown take", 400, "validation_failed", "take" },
        { "a long name", 400, "validation_failed", "name" },
        { "an unknown field", 400, "validation_failed", "colour" },
        { "2,001 characters", 400, "prompt_too_long", "prompt" },
        { "a seed", 400, "option_not_supported", null },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_fault_has_a_code_and_a_place_and_leaves_nothing(string fault, int status, string code, string? place)
    {
        var visitor = _app.Visitor();
        var photos = await visitor.PhotosAsync(2);
        var fields = Visitor.Listing(photos);
        var second = new JsonObject { ["photoId"] = photos[1], ["room"] = "kitchen" };
        void With(JsonNode? entry) => fields["photos"] = new object?[] { new { photoId = photos[0], room = "office" }, entry };
        void WithMember(string name, JsonNode? value)
        {
            if (value is null)
                second.Remove(name);
            else
                second[name] = value;
            With(second);
        }

        switch (fault)
        {
            case "no photos": fields.Remove("photos"); break;
            case "an empty list": fields["photos"] = Array.Empty<object>(); break;
            case "51 photos": fields["photos"] = Enumerable.Range(0, 51).Select(_ => new { photoId = Guid.NewGuid(), room = "office" }).ToArray(); break;
            case "a text for the photos": fields["photos"] = "all"; break;
            case "a text among the photos": With("a photo"); break;
            case "an id that is none": WithMember("photoId", "7"); break;
            case "no room": WithMember("room", null); break;
            case "a member too many": WithMember("floor", 2); break;
            case "a photo twice": WithMember("photoId", photos[0]); break;
            case "an unknown photo": WithMember("photoId", Guid.CreateVersion7()); break;
            case "another's photo": WithMember("photoId", (await _app.Visitor().PhotosAsync(1))[0]); break;
            case "an expired photo": await _app.ExecuteAsync($"update photos set expires_at = now() - interval '1 minute' where id = '{photos[1]}'"); break;
            case "a photo without its file": await _app.Blobs.DeletePrefixAsync($"photos/{photos[1]}"); break;
            case "an unknown room": WithMember("room", "cellar"); break;
            case "an unknown style": fields["style"] = "rococo"; break;
            case "an unknown take": fields["take"] = "some"; break;
            case "a long name": fields["name"] = new string('x', 101); break;
            case "an unknown field": fields["colour"] = "red"; break;
            case "2,001 characters": fields["prompt"] = new string('x', 2001); break;
            case "a seed": fields["seed"] = 7; break;
            default: throw new ArgumentOutOfRangeException(nameof(fault));
        }

        var answer = await visitor.SubmitListingAsync(fields);

        (answer.Status, answer.Code, (bool)answer.Body!["billed"]!).ShouldBe((status, code, false), answer.Body.ToJsonString());
        answer.Text("detail").ShouldNotBeEmpty();
        if (place is not null)
            answer.Body["errors"]!.AsObject().ShouldHaveSingleItem().Key.ShouldBe(place);
        if (code == "listing_too_long")
            ((int)answer.Body["max"]!, (int)answer.Body["count"]!).ShouldBe((50, 51));
        (await _app.CountAsync($"listings where account_id = '{visitor.Account}'")).ShouldBe(0);
        (await _app.CountAsync($"jobs where account_id = '{visitor.Account}'")).ShouldBe(0);
        _app.Entitlements.Lists.ContainsKey(visitor.Account).ShouldBeFalse();
    }

    [Fact]
    public async Task Fifty_photos_are_a_listing_and_a_form_is_none()
    {
        var visitor = _app.Visitor();
        var (id, jobs) = await visitor.ListAsync(50);
        jobs.Count.ShouldBe(50);
        (await visitor.SendAsync(HttpMethod.Post, $"/api/v1/listings/{id}/cancel")).Text("result").ShouldBe("canceled");

        var form = await visitor.SendAsync(HttpMethod.Post, "/api/v1/listings", new MultipartFormDataContent { { new StringContent("modern"), "style" } });
        (form.Status, form.Code).ShouldBe((415, "unsupported_media_type"));
    }

    [Fact]
    public async Task A_refused_listing_uses_its_key_up()
    {
        var visitor = _app.Visitor();
        var key = Guid.NewGuid().ToString();
        var fields = Visitor.Listing([]);

        var refused = await visitor.SubmitListingAsync(fields, key);
        var again = await visitor.SubmitListingAsync(fields, key);
        var corrected = await visitor.SubmitListingAsync(Visitor.Listing(await visitor.PhotosAsync(1)), key);

        (refused.Code, again.Code, corrected.Code).ShouldBe(("listing_empty", "listing_empty", "idempotency_conflict"));
    }
}
