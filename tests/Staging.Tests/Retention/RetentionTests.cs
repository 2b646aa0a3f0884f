using HomeStage.Hosting.Configuration;
using HomeStage.Staging.Retention;
using HomeStage.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.Retention;

/// <summary>What is kept for how long, and that it goes then. Time passes by rows that are made older.</summary>
public sealed class RetentionTests(StagingFixture fixture) : IClassFixture<StagingFixture>
{
    private readonly StagingApp _app = fixture.App;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private RetentionSweep Sweep => _app.Services.GetRequiredService<RetentionSweep>();

    [Fact]
    public void What_a_killed_process_left_among_the_temporary_files_is_removed_after_a_day()
    {
        string[] left = ["ASPNETCORE_of_yesterday.tmp", "homestage-archive-of-yesterday"];
        string[] kept = ["ASPNETCORE_of_now.tmp", "homestage-archive-of-now", "of-yesterday-and-somebody-else"];
        foreach (var name in (string[])[.. left, .. kept])
            File.WriteAllText(In(name), "");
        foreach (var name in (string[])[.. left, kept[2]])
            File.SetLastWriteTimeUtc(In(name), TimeProvider.System.GetUtcNow().UtcDateTime.AddHours(-25));

        LeftFiles.Remove();

        left.Where(name => File.Exists(In(name))).ShouldBeEmpty();
        kept.Where(name => File.Exists(In(name))).ShouldBe(kept);
        foreach (var name in kept)
            File.Delete(In(name));

        static string In(string name) => Path.Combine(Path.GetTempPath(), name);
    }

    [Fact]
    public async Task A_staging_goes_after_its_time_with_its_files_unless_it_is_disclosed()
    {
        var (visitor, old) = await StagedAsync();
        var (owner, disclosed) = await StagedAsync();
        var (_, young) = await StagedAsync();
        var link = new Uri((await owner.SendAsync(HttpMethod.Put, $"/api/v1/stagings/{disclosed}/images/1/disclosure")).Text("url")).AbsolutePath;
        await EndedAsync(366, old, disclosed);
        await EndedAsync(364, young);

        await SweepAsync();

        (await visitor.GetAsync(old)).Status.ShouldBe(404);
        (await FilesAsync(old)).ShouldBe(0);
        (await _app.CountAsync($"jobs where id = '{old}' and words is null and purged and credits_used is not null")).ShouldBe(1, "how it was settled stays");
        (await new Visitor(_app, Guid.Empty, "anonymous").GetAsync(link + "/images/original")).Status.ShouldBe(200);
        (await FilesAsync(disclosed)).ShouldBe(4);
        (await FilesAsync(young)).ShouldBe(4);

        (await owner.SendAsync(HttpMethod.Delete, $"/api/v1/stagings/{disclosed}/images/1/disclosure")).Status.ShouldBe(204);
        await SweepAsync();
        (await owner.GetAsync(disclosed)).Status.ShouldBe(404);
        (await FilesAsync(disclosed)).ShouldBe(0);
    }

    [Fact]
    public async Task A_picture_that_is_disclosed_in_the_moment_in_which_its_time_is_over_stays()
    {
        var (visitor, id) = await StagedAsync();
        await using var discloser = await _app.Admin.OpenConnectionAsync(Cancel);
        await using var transaction = await discloser.BeginTransactionAsync(Cancel);
        // The sweep that runs by itself would be first.
        await using (var take = new NpgsqlCommand($"select pg_advisory_xact_lock({RetentionSweep.TurnKey})", discloser))
            await take.ExecuteNonQueryAsync(Cancel);
        await EndedAsync(366, id);
        await using (var disclose = new NpgsqlCommand(
            $"insert into disclosures (token, job_id, n, created_at) select 'tokenofthetest{id.ToString()[^8..]}', id, 1, now() from jobs where id = '{id}' and deleted_at is null for share", discloser))
            await disclose.ExecuteNonQueryAsync(Cancel);

        // The sweep has seen no disclosure, and waits for the row.
        var expiring = _app.Services.GetRequiredService<Deletion>().ExpireAsync(id, Cancel);
        await Eventually.Async(async () => await _app.CountAsync("pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") > 0, "the sweep waits for the one who discloses");
        await transaction.CommitAsync(Cancel);
        await expiring;

        (await visitor.GetAsync(id)).Status.ShouldBe(200);
        (await FilesAsync(id)).ShouldBe(4);
    }

    [Fact]
    public async Task Old_events_go_and_who_resumes_after_one_begins_with_a_snapshot()
    {
        var (visitor, id) = await StagedAsync();
        await using var events = await visitor.EventsAsync(id);
        var tail = (await events.NextAsync())!.Id!.Split('.')[1];
        var all = await _app.CountAsync($"events where job_id = '{id}'");
        await _app.ExecuteAsync($"update events set recorded_at = now() - interval '31 days' where job_id = '{id}' and n <= 1");
        var key = Guid.NewGuid().ToString();
        await visitor.UploadAsync(Samples.Photo, key: key);
        await visitor.UploadAsync(Samples.PhotoOfSide(380), key: key + "-kept");
        await _app.ExecuteAsync($"update request_keys set created_at = now() - interval '8 days' where key = '{key}'");

        await SweepAsync();

        (await _app.CountAsync($"events where job_id = '{id}'")).ShouldBe(all - 1);
        await using var forgotten = await visitor.EventsAsync(id, lastEventId: $"1.{tail}");
        (await forgotten.NextAsync())!.Type.ShouldBe("snapshot");
        await using var resumed = await visitor.EventsAsync(id, lastEventId: $"2.{tail}");
        (await resumed.NextAsync())!.Id.ShouldBe($"3.{tail}");
        (await _app.CountAsync($"request_keys where account_id = '{visitor.Account}' and key like '{key}%'")).ShouldBe(1);
    }

    [Fact]
    public async Task One_replica_sweeps_at_a_time()
    {
        await using var other = await _app.Admin.OpenConnectionAsync(Cancel);
        await using var take = new NpgsqlCommand($"select pg_advisory_lock({RetentionSweep.TurnKey})", other);
        await take.ExecuteNonQueryAsync(Cancel);

        (await Sweep.SweepAsync(Cancel)).ShouldBeFalse();
    }

    [Fact]
    public async Task What_cannot_be_removed_keeps_nothing_else_and_goes_later()
    {
        var visitor = _app.Visitor();
        var photo = (await visitor.UploadAsync(Samples.Photo)).Text("id");
        var (_, staging) = await StagedAsync();
        _app.Blobs.KeepsPhotos = true;
        await _app.ExecuteAsync($"update photos set expires_at = now() - interval '1 hour' where id = '{photo}'");
        await EndedAsync(366, staging);

        await Eventually.Async(FailsAsync, "a sweep of ours has failed");
        (await FilesAsync(staging)).ShouldBe(0);
        (await _app.CountAsync($"photos where id = '{photo}'")).ShouldBe(1);
        _app.Blobs.KeepsPhotos = false;
        await SweepAsync();

        (await _app.CountAsync($"photos where id = '{photo}'")).ShouldBe(0);
        (await _app.Blobs.ListAsync($"photos/{photo}", Cancel).AnyAsync(Cancel)).ShouldBeFalse();
    }

    [Theory]
    [InlineData("RETENTION_PHOTOS_HOURS", "0")]
    [InlineData("RETENTION_RESULTS_DAYS", "for ever")]
    [InlineData("RETENTION_PREVIEWS_HOURS", "1")]
    [InlineData("RETENTION_EVENTS_DAYS", "366")]
    [InlineData("RETENTION_REQUEST_KEYS_HOURS", "23")]
    [InlineData("RETENTION_EVENTS_DAYS", "8", "RETENTION_RESULTS_DAYS", "7")]
    public void A_time_that_makes_no_sense_stops_the_start_by_name(string name, string value, string? other = null, string? its = null)
    {
        var settings = new Settings(new ConfigurationBuilder().AddInMemoryCollection([new(name, value), new(other ?? "NOTHING", its)]).Build(), production: true);

        RetentionSettings.Read(settings);

        Should.Throw<SettingsException>(settings.ThrowIfInvalid).Problems.ShouldHaveSingleItem().ShouldStartWith(name);
    }

    // Another run of the sweep, by itself, may be at it.
    private Task SweepAsync() => Eventually.Async(() => Sweep.SweepAsync(Cancel), "it is our turn to sweep");

    private async Task<bool> FailsAsync()
    {
        try
        {
            await Sweep.SweepAsync(Cancel);
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    private Task EndedAsync(int daysAgo, params Guid[] jobs) =>
        _app.ExecuteAsync($"update jobs set finished_at = now() - interval '{daysAgo} days' where id in ({string.Join(", ", jobs.Select(job => $"'{job}'"))})");

    private async Task<int> FilesAsync(Guid job) => await _app.Blobs.ListAsync(job.ToString(), Cancel).CountAsync(Cancel);

    private async Task<(Visitor Visitor, Guid Id)> StagedAsync()
    {
        var visitor = _app.Visitor();
        var id = await visitor.SubmitAsync(("prompt", "a reading corner"));
        await _app.ClaimAsync(id);
        await _app.PublishAsync(await Samples.StagedAsync(_app.Blobs, id, 1, 1));
        await visitor.UntilAsync(id, "succeeded");
        return (visitor, id);
    }
}
