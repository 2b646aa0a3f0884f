using System.IO.Compression;
using System.Net;
using System.Text.RegularExpressions;

namespace HomeStage.Gateway.Tests.Page;

public sealed partial class PageFileTests(SharedStack shared)
{
    [Theory]
    [InlineData("/")]
    [InlineData("/library")]
    [InlineData("/credits")]
    [InlineData("/account")]
    [InlineData("/stagings/019aac12-61d0-7ab4-8f0c-3f9d2f7b5e10")]
    [InlineData("/listings/019aac12-61d0-7ab4-8f0c-3f9d2f7b5e10")]
    public async Task Every_view_has_an_address_that_gives_the_page(string path)
    {
        using var client = shared.Stack.Client();
        using var answer = await client.SendAsync(HttpMethod.Get, path);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Headers.CacheControl!.ToString().ShouldBe("no-cache");
        AppAddress().IsMatch(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldBeTrue();
    }

    [Fact]
    public async Task What_a_page_loads_is_kept_for_ever_by_its_version_and_another_version_is_not_kept()
    {
        using var client = shared.Stack.Client();
        var page = await client.GetStringAsync(new Uri("/", UriKind.Relative), TestContext.Current.CancellationToken);
        var address = AppAddress().Match(page).Value;

        foreach (var (path, kept) in ((string, string)[])
            [(address, "public, max-age=31536000, immutable"), ("/v/0000000000000000/app.js", "no-store"), ("/app.js", "no-cache"), ("/openapi/v1.json", "public, max-age=300")])
        {
            using var answer = await client.SendAsync(HttpMethod.Get, path);
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
            answer.Headers.GetValues("Cache-Control").ShouldBe([kept], path);
        }

        using var nothing = await client.SendAsync(HttpMethod.Get, address.Replace("app.js", "nothing.js", StringComparison.Ordinal));
        nothing.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Files_are_compressed_as_the_client_takes_them_and_not_sent_again_unchanged()
    {
        using var client = shared.Stack.Client();
        using var plain = await client.SendAsync(HttpMethod.Get, "/app.js");
        var text = await plain.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        plain.Content.Headers.ContentEncoding.ShouldBeEmpty();
        using var refused = await client.SendAsync(HttpMethod.Get, "/app.js", ("Accept-Encoding", "br;q=0"));
        refused.Content.Headers.ContentEncoding.ShouldBeEmpty();
        using var answer = await client.SendAsync(HttpMethod.Get, "/app.js", ("Accept-Encoding", "gzip, br"));
        answer.Content.Headers.ContentEncoding.ShouldBe(["br"]);
        answer.Headers.Vary.ShouldBe(["Accept-Encoding"]);
        answer.Headers.ETag.ShouldNotBe(plain.Headers.ETag);
        using var reader = new StreamReader(new BrotliStream(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken), CompressionMode.Decompress));
        (await reader.ReadToEndAsync(TestContext.Current.CancellationToken)).ShouldBe(text);

        using var unchanged = await client.SendAsync(HttpMethod.Get, "/app.js", ("Accept-Encoding", "br"), ("If-None-Match", answer.Headers.ETag!.ToString()));
        unchanged.StatusCode.ShouldBe(HttpStatusCode.NotModified);
    }

    [GeneratedRegex("/v/[0-9a-f]{16}/app\\.js", RegexOptions.NonBacktracking)]
    private static partial Regex AppAddress();
}
