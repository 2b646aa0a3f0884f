using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text.Json;
using HomeStage.Staging.Disclosures;
using HomeStage.Testing;
using HomeStage.Tool;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.Disclosures;

public sealed class DisclosureTests(StagingFixture fixture) : IClassFixture<StagingFixture>
{
    private readonly StagingApp _app = fixture.App;

    private Visitor Anybody => new(_app, Guid.Empty, "anonymous");

    [Fact]
    public async Task A_published_picture_is_shown_beside_its_original_to_everybody_with_the_link_and_to_no_search_engine()
    {
        var (visitor, id) = await StagedAsync();

        var published = await visitor.SendAsync(HttpMethod.Put, $"/api/v1/stagings/{id}/images/1/disclosure");
        var again = await visitor.SendAsync(HttpMethod.Put, $"/api/v1/stagings/{id}/images/1/disclosure");

        published.Status.ShouldBe(200, published.Body?.ToString());
        again.Text("url").ShouldBe(published.Text("url"));
        published.Text("url").ShouldMatch("^https://stage\\.example/d/[A-Za-z0-9_-]{22}$");
        published.Text("listingText").ShouldContain("Virtually staged");
        published.Text("listingText").ShouldEndWith(published.Text("url"));
        var path = new Uri(published.Text("url")).AbsolutePath;
        var page = await Anybody.GetAsync(path);
        (page.Status, page.Response.Content.Headers.ContentType!.ToString()).ShouldBe((200, "text/html; charset=utf-8"));
        var html = await page.Response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        foreach (var part in (string[])["virtually staged", "not part of the property", "noindex", "Living room, Scandinavian", $"{path}/images/original", $"{path}/images/staged", $"{path}/qr.svg", $"{path}/page.css"])
            html.ShouldContain(part);
        html.ShouldNotContain("{");
        html.ShouldNotContain(id.ToString());
        foreach (var (file, type) in ((string, string)[])[("", "text/html"), ("/images/original", "image/jpeg"), ("/images/staged", "image/jpeg"), ("/qr.svg", "image/svg+xml"), ("/page.css", "text/css")])
        {
            var answer = await Anybody.GetAsync(path + file);
            (answer.Status, answer.Response.Content.Headers.ContentType!.MediaType).ShouldBe((200, type), file);
            answer.Response.Headers.GetValues("X-Robots-Tag").Single().ShouldContain("noindex", customMessage: file);
        }
    }

    [Fact]
    public async Task A_withdrawn_link_is_dead_at_once_and_a_new_one_is_another()
    {
        var (visitor, id) = await StagedAsync();
        var first = await PublishAsync(visitor, id);
        var link = new Uri(first).AbsolutePath;

        var withdrawn = await visitor.SendAsync(HttpMethod.Delete, $"/api/v1/stagings/{id}/images/1/disclosure");
        var again = await visitor.SendAsync(HttpMethod.Delete, $"/api/v1/stagings/{id}/images/1/disclosure");

        (withdrawn.Status, again.Status).ShouldBe((204, 204));
        foreach (var file in (string[])["", "/images/original", "/images/staged", "/qr.svg"])
            (await Anybody.GetAsync(link + file)).Status.ShouldBe(404, file);
        var gone = await Anybody.SendAsync(HttpMethod.Get, link, headers: headers => headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/html")));
        (gone.Status, gone.Response.Content.Headers.ContentType!.MediaType).ShouldBe((404, "text/html"));
        (await visitor.GetAsync($"/api/v1/stagings/{id}/images/1/disclosure")).Status.ShouldBe(404);
        (await visitor.GetAsync($"/api/v1/stagings/{id}/images/1/disclosure/bundle")).Status.ShouldBe(404);
        (await PublishAsync(visitor, id)).ShouldNotBe(first);
    }

    [Fact]
    public async Task Two_at_once_publish_one_page()
    {
        var (visitor, id) = await StagedAsync();

        var links = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => PublishAsync(visitor, id)));

        links.Distinct().ShouldHaveSingleItem();
        (await _app.CountAsync($"disclosures where job_id = '{id}'")).ShouldBe(1);
    }

    [Fact]
    public async Task Deleting_a_published_picture_warns_first_and_then_takes_the_page_with_it()
    {
        var (visitor, id) = await StagedAsync();
        var link = new Uri(await PublishAsync(visitor, id)).AbsolutePath;

        var warned = await visitor.SendAsync(HttpMethod.Delete, $"/api/v1/stagings/{id}");
        (warned.Status, warned.Code).ShouldBe((409, "disclosed"));
        (await Anybody.GetAsync(link)).Status.ShouldBe(200);

        (await visitor.SendAsync(HttpMethod.Delete, $"/api/v1/stagings/{id}?withdraw=true")).Status.ShouldBe(204);
        (await Anybody.GetAsync(link)).Status.ShouldBe(404);
        (await Anybody.GetAsync(link + "/images/original")).Status.ShouldBe(404);
        (await _app.CountAsync($"disclosures where job_id = '{id}' and revoked_at is null")).ShouldBe(0);
    }

    [Theory]
    [InlineData("PUT", "")]
    [InlineData("GET", "")]
    [InlineData("DELETE", "")]
    [InlineData("GET", "/bundle")]
    public async Task Only_the_owner_publishes_and_only_what_is_there(string method, string path)
    {
        var (visitor, id) = await StagedAsync();
        await PublishAsync(visitor, id);
        var stranger = _app.Visitor();

        (await stranger.SendAsync(new HttpMethod(method), $"/api/v1/stagings/{id}/images/1/disclosure{path}")).Status.ShouldBe(404);
        (await Anybody.SendAsync(new HttpMethod(method), $"/api/v1/stagings/{id}/images/1/disclosure{path}")).Status.ShouldBe(401);
        foreach (var n in (int[])[0, 2])
            (await visitor.SendAsync(new HttpMethod(method), $"/api/v1/stagings/{id}/images/{n}/disclosure{path}")).Status.ShouldBe(404);
        (await visitor.GetAsync($"/api/v1/stagings/{id}/images/1/disclosure")).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_bundle_has_all_that_a_listing_needs_and_of_a_free_staging_no_clean_picture(bool free)
    {
        var (visitor, id) = await StagedAsync(free ? Wallet.Free : Wallet.Rich);
        var link = await PublishAsync(visitor, id);

        var answer = await visitor.GetAsync($"/api/v1/stagings/{id}/images/1/disclosure/bundle");

        answer.Status.ShouldBe(200);
        answer.Response.Content.Headers.ContentDisposition!.ToString().ShouldContain("living-room-scandinavian-1.zip");
        await using var archive = new ZipArchive(await answer.Response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        string[] expected = ["living-room-scandinavian-1-original.jpg", "living-room-scandinavian-1-virtually-staged.jpg", "link-qr.svg", "link.txt", "listing.txt"];
        archive.Entries.Select(entry => entry.FullName).ShouldBe(free ? expected : [.. expected, "living-room-scandinavian-1-clean.jpg"], ignoreOrder: true);
        (await Text("link.txt")).ShouldBe(link + "\n");
        (await Text("listing.txt")).ShouldContain(link);
        (await Text("link-qr.svg")).ShouldStartWith("<svg");
        archive.GetEntry("living-room-scandinavian-1-virtually-staged.jpg")!.Length.ShouldBe(Samples.Photo.Length);

        async Task<string> Text(string name)
        {
            using var reader = new StreamReader(archive.GetEntry(name)!.Open());
            return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        }
    }

    [Theory]
    [InlineData("short")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAA~")]
    public async Task A_token_that_nobody_gave_out_shows_nothing(string token)
    {
        var answer = await Anybody.GetAsync("/d/" + token);

        (answer.Status, answer.Code).ShouldBe((404, "not_found"));
        answer.Response.Headers.GetValues("X-Robots-Tag").Single().ShouldContain("noindex");
    }

    [Fact]
    public async Task The_QR_code_is_read_by_a_reader_that_is_not_ours()
    {
        // One for each version, with the longest text that fits, and the link as it is.
        int[] lengths = [14, 26, 42, 62, 84, 106, 122, 152, 180, QrCode.Longest];
        string[] texts = [.. lengths.Select(length => "https://stage.example/d/" is var begin && length > begin.Length ? begin + new string('q', length - begin.Length) : new string('x', length)), "https://stage.example/d/AbC-_9"];
        var codes = texts.Select(QrCode.Of).ToList();
        var rows = codes.Select(code => Enumerable.Range(-4, code.Side + 8).Select(y => string.Concat(Enumerable.Range(-4, code.Side + 8).Select(x => IsDark(code, x, y) ? '1' : '0'))));

        var (exit, output, errors) = await NodeProgram.RunAsync(Path.Combine(SourceTree.Root, "tests", "npm", "jsqr.mjs"), [JsonSerializer.Serialize(rows)]);

        exit.ShouldBe(0, errors);
        JsonSerializer.Deserialize<string[]>(output).ShouldBe(texts);
        codes.Take(lengths.Length).Select(code => code.Side).ShouldBe(Enumerable.Range(1, 10).Select(version => 17 + (4 * version)));
        Should.Throw<ArgumentException>(() => QrCode.Of(new string('x', QrCode.Longest + 1)));
    }

    private static bool IsDark(QrCode code, int x, int y) => x >= 0 && y >= 0 && x < code.Side && y < code.Side && code[x, y];

    private static async Task<string> PublishAsync(Visitor visitor, Guid id)
    {
        var answer = await visitor.SendAsync(HttpMethod.Put, $"/api/v1/stagings/{id}/images/1/disclosure");
        answer.Status.ShouldBe(200, answer.Body?.ToString());
        return answer.Text("url");
    }

    private async Task<(Visitor Visitor, Guid Id)> StagedAsync(Wallet wallet = Wallet.Rich)
    {
        var visitor = _app.Visitor(wallet);
        var id = await visitor.SubmitAsync();
        await _app.ClaimAsync(id);
        await _app.PublishAsync(await Samples.StagedAsync(_app.Blobs, id, 1, 1));
        await visitor.UntilAsync(id, "succeeded");
        return (visitor, id);
    }
}
