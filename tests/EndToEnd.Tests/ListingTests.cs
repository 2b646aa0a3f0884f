using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HomeStage.Testing;

namespace HomeStage.EndToEnd.Tests;

/// <summary>Several photos at once, with the real ledger, workers and model.</summary>
[Collection(SharedStack.Collection)]
public sealed class ListingTests(SharedStack shared)
{
    private TestStack Stack => shared.Stack;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Five_photos_with_credits_for_three_are_refused_together_or_staged_as_many_and_the_ledger_balances()
    {
        using var visitor = await Visitor.ArriveAsync(Stack);
        await visitor.BuyAsync("quick");
        await visitor.EndedAsync(await visitor.StageAsync(variations: 2));
        await Eventually.Async(async () => await visitor.AvailableAsync() == 3, "three credits are left");
        var photos = new List<Guid>();
        for (var i = 0; i < 5; i++)
            photos.Add(await UploadAsync(visitor));

        var (status, refused) = await SubmitAsync(visitor, photos, "all");
        (status, (string)refused["code"]!, (int)refused["needed"]!, (int)refused["available"]!).ShouldBe((HttpStatusCode.PaymentRequired, "insufficient_credits", 5, 3));
        (await visitor.AvailableAsync()).ShouldBe(3);
        ((JsonArray)(await visitor.ReadAsync("/api/v1/listings"))["items"]!).ShouldBeEmpty();

        // Twice at once, as by a second click: one listing.
        var key = Guid.CreateVersion7().ToString();
        var both = await Task.WhenAll(SubmitAsync(visitor, photos, "as_many", key), SubmitAsync(visitor, photos, "as_many", key));
        both.ShouldAllBe(answer => answer.Status == HttpStatusCode.Accepted);
        var self = (string)both.Select(answer => (string)answer.Body["urls"]!["self"]!).Distinct().ShouldHaveSingleItem();
        (await visitor.AvailableAsync()).ShouldBe(0);
        var events = await visitor.EventsAsync(self + "/events");
        events[^1].EventType.ShouldBe("listing_ended");

        var ended = await visitor.ReadAsync(self);
        ((string)ended["status"]!).ShouldBe("partial");
        ((JsonArray)ended["items"]!).Select(item => (string)item!["status"]!).ShouldBe(["succeeded", "succeeded", "succeeded", "not_staged", "not_staged"]);
        ((JsonArray)ended["items"]!).Skip(3).ShouldAllBe(item => (string)item!["reason"]!["code"]! == "insufficient_credits");
        ended["receipt"]!.ToJsonString().ShouldBe("""{"held":3,"captured":3,"released":0}""");
        await using (var zip = new ZipArchive(await (await visitor.GetAsync(self + "/results.zip")).Content.ReadAsStreamAsync(Cancel)))
            zip.Entries.Select(entry => entry.Name).ShouldBe(Enumerable.Range(1, 3).SelectMany(n => new[] { $"0{n}-bedroom-coastal-1-clean.jpg", $"0{n}-bedroom-coastal-1-virtually-staged.jpg" }));

        await Eventually.Async(async () => (int)(await visitor.ReadAsync("/api/v1/credits"))["held"]! == 0, "the holds are settled");
        (await visitor.AvailableAsync()).ShouldBe(0);
        (await Ledger.ViolationsAsync(Stack)).ShouldBeEmpty();
    }

    private static async Task<Guid> UploadAsync(Visitor visitor)
    {
        var photo = new ByteArrayContent(await File.ReadAllBytesAsync(Visitor.SamplePhoto, Cancel)) { Headers = { ContentType = new MediaTypeHeaderValue("image/jpeg") } };
        using var answer = await visitor.SendAsync(HttpMethod.Post, "/api/v1/photos", photo);
        answer.StatusCode.ShouldBe(HttpStatusCode.Created);
        return (Guid)(await answer.Content.ReadFromJsonAsync<JsonObject>(Cancel))!["id"]!;
    }

    private static async Task<(HttpStatusCode Status, JsonObject Body)> SubmitAsync(Visitor visitor, List<Guid> photos, string take, string? key = null)
    {
        var content = JsonContent.Create(new { photos = photos.Select(id => new { photoId = id, room = "bedroom" }), style = "coastal", take });
        using var answer = await visitor.SendAsync(HttpMethod.Post, "/api/v1/listings", content, key);
        return (answer.StatusCode, (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancel))!);
    }
}
