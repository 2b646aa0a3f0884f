using System.Net.Http.Headers;
using HomeStage.Staging.Retention;
using HomeStage.Storage;
using HomeStage.Testing;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.Stagings;

public sealed class FileTests(StagingFixture fixture) : IClassFixture<StagingFixture>
{
    private readonly StagingApp _app = fixture.App;

    [Fact]
    public async Task A_picture_comes_with_its_type_a_name_an_etag_and_leave_to_keep_it_privately()
    {
        var (visitor, id) = await StagedAsync();

        var answer = await visitor.GetAsync($"/api/v1/stagings/{id}/images/1?variant=clean");

        answer.Status.ShouldBe(200);
        var content = answer.Response.Content;
        content.Headers.ContentType!.MediaType.ShouldBe("image/jpeg");
        content.Headers.GetValues("Content-Disposition").ShouldBe(["inline; filename=\"living-room-scandinavian-1.jpg\""]);
        answer.Response.Headers.CacheControl!.ToString().ShouldContain("private");
        answer.Response.Headers.CacheControl!.ToString().ShouldContain("immutable");
        answer.Response.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
        (await content.ReadAsByteArrayAsync()).ShouldBe(Samples.Photo);

        var again = await visitor.SendAsync(HttpMethod.Get, $"/api/v1/stagings/{id}/images/1?variant=clean", headers: headers => headers.IfNoneMatch.Add(answer.Response.Headers.ETag!));
        again.Status.ShouldBe(304);
        var part = await visitor.SendAsync(HttpMethod.Get, $"/api/v1/stagings/{id}/images/1?variant=clean", headers: headers => headers.Range = new RangeHeaderValue(0, 9));
        part.Status.ShouldBe(206);
        (await part.Response.Content.ReadAsByteArrayAsync()).ShouldBe(Samples.Photo[..10]);
    }

    [Theory]
    [InlineData("images/0?variant=clean", 404)]
    [InlineData("images/2?variant=clean", 404)]
    [InlineData("images/1?variant=raw", 400)]
    [InlineData("images/x?variant=clean", 404)]
    [InlineData("preview", 404)]
    [InlineData("original", 200)]
    [InlineData("images/1", 200)]
    public async Task Files_that_are_not_there_are_not_found(string path, int status)
    {
        var (visitor, id) = await StagedAsync();

        (await visitor.GetAsync($"/api/v1/stagings/{id}/{path}")).Status.ShouldBe(status);
    }

    [Fact]
    public async Task A_preview_is_announced_and_served_while_the_job_runs()
    {
        var visitor = _app.Visitor();
        var id = await visitor.SubmitAsync();
        await _app.ClaimAsync(id);
        await _app.Blobs.PutAsync($"{id}/1/preview-1.jpg", new MemoryStream(Samples.Photo), "image/jpeg");
        await using var events = await visitor.EventsAsync(id);
        await events.NextAsync();

        await _app.PublishAsync(new HomeStage.Contracts.RenderProgressed { JobId = id, Attempt = 1, Phase = "rendering", PreviewBlob = $"{id}/1/preview-1.jpg" });

        var progress = (await events.NextAsync())!;
        (progress.Type, progress.Text("phase")).ShouldBe(("progress", "rendering"));
        var preview = await visitor.GetAsync(progress.Text("previewUrl"));
        (preview.Status, preview.Response.Content.Headers.ContentType!.MediaType).ShouldBe((200, "image/jpeg"));
    }

    [Fact]
    public async Task A_deleted_staging_is_gone_with_its_files_and_deleting_it_again_is_harmless()
    {
        var (visitor, id) = await StagedAsync();

        var deleted = await visitor.SendAsync(HttpMethod.Delete, $"/api/v1/stagings/{id}");
        var again = await visitor.SendAsync(HttpMethod.Delete, $"/api/v1/stagings/{id}");

        (deleted.Status, again.Status).ShouldBe((204, 204));
        (await visitor.GetAsync(id)).Status.ShouldBe(404);
        (await visitor.GetAsync($"/api/v1/stagings/{id}/original")).Status.ShouldBe(404);
        (await visitor.GetAsync("/api/v1/stagings")).Body!["items"]!.AsArray().ShouldBeEmpty();
        (await _app.Blobs.ListAsync(id.ToString()).AnyAsync()).ShouldBeFalse();
        (await _app.CountAsync($"jobs where id = '{id}' and words is null and purged")).ShouldBe(1);
    }

    [Fact]
    public async Task A_staging_under_way_cannot_be_deleted()
    {
        var visitor = _app.Visitor();
        var id = await visitor.SubmitAsync();

        var answer = await visitor.SendAsync(HttpMethod.Delete, $"/api/v1/stagings/{id}");

        (answer.Status, answer.Code).ShouldBe((409, "conflict"));
        (await visitor.GetAsync(id)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task An_unused_photo_goes_after_a_day_and_a_used_one_stays_with_its_job()
    {
        var visitor = _app.Visitor();
        var photo = await visitor.UploadAsync(Samples.Photo);
        var submitted = await visitor.SubmitJsonAsync(Visitor.Fields(("photoId", photo.Text("id"))));

        using var tomorrow = _app.Clock.Ahead(TimeSpan.FromHours(25));
        await Eventually.Async(() => _app.Services.GetRequiredService<RetentionSweep>().SweepAsync(TestContext.Current.CancellationToken), "it is our turn to sweep");

        (await _app.CountAsync($"photos where account_id = '{visitor.Account}'")).ShouldBe(0);
        (await _app.Blobs.ListAsync($"photos/{photo.Text("id")}").AnyAsync()).ShouldBeFalse();
        (await visitor.SubmitJsonAsync(Visitor.Fields(("photoId", photo.Text("id"))))).Code.ShouldBe("photo_unknown");
        (await visitor.GetAsync($"/api/v1/stagings/{submitted.Text("id")}/original")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Files_that_nothing_points_at_go_after_a_day_and_nothing_else_does()
    {
        var cancel = TestContext.Current.CancellationToken;
        var (visitor, ended) = await StagedAsync();
        var (_, deleted) = await StagedAsync();
        var open = await visitor.SubmitAsync();
        var photo = await visitor.UploadAsync(Samples.Photo);
        // A worker that was late for the end of its job, or for its deletion; a crash before a row was written; what is not ours.
        string[] orphans = [$"{ended}/2/1-clean.jpg", $"{ended}/1/result.json", $"{deleted}/2/1-clean.jpg", $"{Guid.CreateVersion7()}/a.jpg", $"photos/{Guid.CreateVersion7()}/a.jpg"];
        string[] kept = [$"{open}/1/1-clean.jpg", $"{open}/1/result.json", "other/thing.jpg"];
        foreach (var key in orphans.Concat(kept))
            await _app.Blobs.PutAsync(key, Samples.Photo, "image/jpeg", cancel);
        // As if the sweep ran between the deletion's two steps.
        await _app.ExecuteAsync($"update jobs set deleted_at = now(), purged = true where id = '{deleted}'");
        var before = await _app.Blobs.ListAsync("", cancel).Select(entry => entry.Key).ToListAsync(cancel);
        var sweep = _app.Services.GetRequiredService<OrphanSweep>();

        (await SweptAsync()).ShouldBe(0, "nothing is old enough");
        await _app.ExecuteAsync($"update jobs set deadline = now() + interval '3 days', due_at = now() + interval '3 days' where id = '{open}'");
        await _app.ExecuteAsync($"update photos set expires_at = expires_at + interval '3 days' where id = '{photo.Text("id")}'");
        using var tomorrow = _app.Clock.Ahead(TimeSpan.FromHours(25));
        await SweptAsync();

        var gone = before.Except(await _app.Blobs.ListAsync("", cancel).Select(entry => entry.Key).ToListAsync(cancel)).ToList();
        orphans.Concat(Of(deleted)).ShouldBeSubsetOf(gone);
        kept.Concat(Of(open)).Concat(Of(ended).Except(orphans)).Intersect(gone).ShouldBeEmpty();
        Of(ended).Except(orphans).Count().ShouldBe(4, "the original and three variants");
        (await _app.CountAsync($"photos where id = '{photo.Text("id")}'")).ShouldBe(1);

        Task<object> SweptAsync() => Eventually.ValueAsync<object>(async () => await sweep.SweepAsync(cancel), "it is our turn to sweep");
        IEnumerable<string> Of(Guid job) => before.Where(key => key.StartsWith(job.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_replica_sweeps_at_a_time()
    {
        await using var other = await _app.Admin.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var taken = new Npgsql.NpgsqlCommand($"select pg_advisory_lock({OrphanSweep.TurnKey})", other);
        await taken.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        (await _app.Services.GetRequiredService<OrphanSweep>().SweepAsync(TestContext.Current.CancellationToken)).ShouldBeNull();
    }

    [Fact]
    public async Task The_same_upload_under_one_key_is_one_photo()
    {
        var visitor = _app.Visitor();
        var key = Guid.NewGuid().ToString();

        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => visitor.UploadAsync(Samples.Photo, key: key)));
        var other = await visitor.UploadAsync(Samples.PhotoOfSide(380), key: key);

        answers.ShouldAllBe(answer => answer.Status == 201);
        answers.Select(answer => answer.Text("id")).Distinct().ShouldHaveSingleItem();
        (await _app.CountAsync($"photos where account_id = '{visitor.Account}'")).ShouldBe(1);
        (other.Status, other.Code).ShouldBe((409, "idempotency_conflict"));
        (await visitor.SubmitFormAsync(key: key)).Code.ShouldBe("idempotency_conflict");
    }

    private async Task<(Visitor Visitor, Guid Id)> StagedAsync()
    {
        var visitor = _app.Visitor();
        var id = await visitor.SubmitAsync();
        await _app.ClaimAsync(id);
        await _app.PublishAsync(await Samples.StagedAsync(_app.Blobs, id, 1, 1));
        await visitor.UntilAsync(id, "succeeded");
        return (visitor, id);
    }
}
