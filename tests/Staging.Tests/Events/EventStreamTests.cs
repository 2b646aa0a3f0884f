using System.Net;
using HomeStage.Contracts;
using HomeStage.Staging.Events;
using HomeStage.Testing;
using HomeStage.Tool.Servers;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.Events;

public sealed class EventStreamTests(StagingFixture fixture) : IClassFixture<StagingFixture>
{
    private readonly StagingApp _app = fixture.App;

    [Fact]
    public async Task A_stream_begins_with_a_snapshot_tells_everything_once_and_ends_with_the_job()
    {
        var visitor = _app.Visitor();
        var id = await visitor.SubmitAsync();
        await using var events = await visitor.EventsAsync(id);
        ((int)events.Response.StatusCode).ShouldBe(200);
        events.Response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        events.Response.Headers.GetValues("X-Accel-Buffering").ShouldBe(["no"]);
        events.Response.Headers.CacheControl!.NoStore.ShouldBeTrue();

        var snapshot = (await events.NextAsync())!;
        (snapshot.Type, snapshot.Text("status"), (long)snapshot.Data["lastEvent"]!).ShouldBe(("snapshot", "queued", 1));
        await _app.ClaimAsync(id);
        (await events.NextAsync())!.Type.ShouldBe("running");
        await _app.PublishAsync(new RenderProgressed { JobId = id, Attempt = 1, Phase = "rendering" });
        var progress = (await events.NextAsync())!;
        (progress.Type, progress.Text("phase"), (int)progress.Data["attempt"]!).ShouldBe(("progress", "rendering", 1));
        await _app.PublishAsync(await Samples.StagedAsync(_app.Blobs, id, 1, 1));
        var succeeded = (await events.NextAsync())!;

        (succeeded.Type, succeeded.Text("jobId"), succeeded.Text("status")).ShouldBe(("succeeded", id.ToString(), "succeeded"));
        succeeded.Data["images"]!.AsArray().Count.ShouldBe(1);
        succeeded.Id!.ShouldStartWith("4.");
        (await events.NextOfAnyTypeAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task A_late_subscriber_gets_the_end_in_its_snapshot_and_reconnecting_there_answers_204()
    {
        var (visitor, id) = await FinishedAsync();

        await using var late = await visitor.EventsAsync(id);
        var all = await late.ToEndAsync();

        all.ShouldHaveSingleItem().ShouldSatisfyAllConditions(item => item.Type.ShouldBe("snapshot"), item => item.Text("status").ShouldBe("failed"));
        await using var again = await visitor.EventsAsync(id, all[0].Id);
        ((int)again.Response.StatusCode).ShouldBe(204);
        await using var byQuery = await visitor.EventsAsync(id, all[0].Id, byQuery: true);
        ((int)byQuery.Response.StatusCode).ShouldBe(204);
    }

    [Fact]
    public async Task Reconnecting_at_the_end_answers_204_also_when_the_events_are_no_longer_kept()
    {
        var (visitor, id) = await FinishedAsync();
        await using var late = await visitor.EventsAsync(id);
        var last = (await late.ToEndAsync()).ShouldHaveSingleItem().Id;
        await _app.ExecuteAsync($"delete from events where job_id = '{id}'");

        await using var again = await visitor.EventsAsync(id, last);
        await using var before = await visitor.EventsAsync(id, $"1.{last!.Split('.')[1]}");

        ((int)again.Response.StatusCode).ShouldBe(204);
        (await before.ToEndAsync()).Select(item => item.Type).ShouldBe(["snapshot"], "there is more to know");
    }

    [Fact]
    public async Task Reconnecting_gives_exactly_what_follows_the_last_event()
    {
        var (visitor, id) = await FinishedAsync();
        var tail = (await IdsAsync(visitor, id)).Tail;

        await using var fromFirst = await visitor.EventsAsync(id, $"1.{tail}");
        (await fromFirst.ToEndAsync()).Select(item => item.Type).ShouldBe(["running", "failed"]);
        await using var fromSecond = await visitor.EventsAsync(id, $"2.{tail}", byQuery: true);
        (await fromSecond.ToEndAsync()).Select(item => item.Type).ShouldBe(["failed"]);
    }

    [Theory]
    [InlineData("999.{tail}")]
    [InlineData("0.{tail}")]
    [InlineData("-1.{tail}")]
    [InlineData("2")]
    [InlineData("2.00000000")]
    [InlineData("nonsense")]
    [InlineData("{account}")]
    public async Task An_id_that_is_unknown_in_the_future_or_of_another_stream_gets_a_snapshot(string lastEventId)
    {
        var (visitor, id) = await FinishedAsync();
        var (tail, account) = await IdsAsync(visitor, id);
        var given = lastEventId.Replace("{tail}", tail, StringComparison.Ordinal).Replace("{account}", account, StringComparison.Ordinal);

        await using var events = await visitor.EventsAsync(id, given);

        (await events.NextAsync())!.Type.ShouldBe("snapshot");
    }

    [Fact]
    public async Task The_account_stream_tells_of_all_jobs_and_of_credits_and_resumes()
    {
        var visitor = _app.Visitor();
        var before = await visitor.SubmitAsync();
        await using var events = await visitor.EventsAsync();
        var snapshot = (await events.NextAsync())!;
        snapshot.Data["jobs"]!.AsArray().Select(job => (string)job!["id"]!).ShouldBe([before.ToString()]);

        var after = await visitor.SubmitAsync();
        var queued = (await events.NextAsync())!;
        (queued.Type, queued.Text("jobId")).ShouldBe(("queued", after.ToString()));
        await _app.PublishAsync(new CreditsChanged { AccountId = visitor.Account });
        var credits = (await events.NextAsync())!;
        credits.Type.ShouldBe("credits");
        await visitor.SendAsync(HttpMethod.Post, $"/api/v1/stagings/{before}/cancel");
        (await events.NextAsync())!.Type.ShouldBe("canceled");

        await using var resumed = await visitor.EventsAsync(lastEventId: queued.Id);
        var rest = new[] { (await resumed.NextAsync())!, (await resumed.NextAsync())! };
        rest.Select(item => item.Type).ShouldBe(["credits", "canceled"]);
        rest[0].Id.ShouldBe(credits.Id);
    }

    [Fact]
    public async Task Numbers_are_without_gaps_when_many_jobs_of_an_account_move_at_once()
    {
        var visitor = _app.Visitor();
        var jobs = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => visitor.SubmitAsync()));

        await Task.WhenAll(jobs.Select(job => _app.ClaimAsync(job)));

        (await _app.CountAsync($"(select account_n, row_number() over (order by account_n) as expected from events where account_id = '{visitor.Account}') n where account_n = expected"))
            .ShouldBe(12);
    }

    private async Task<(Visitor Visitor, Guid Id)> FinishedAsync()
    {
        var visitor = _app.Visitor();
        var id = await visitor.SubmitAsync();
        await _app.ClaimAsync(id);
        await _app.PublishAsync(Samples.Failed(id, 1, "moderation_blocked", retryable: false, mayHaveCost: false));
        await visitor.UntilAsync(id, "failed");
        return (visitor, id);
    }

    private static async Task<(string Tail, string Account)> IdsAsync(Visitor visitor, Guid id)
    {
        await using var job = await visitor.EventsAsync(id);
        await using var account = await visitor.EventsAsync();
        return ((await job.NextAsync())!.Id!.Split('.')[1], (await account.NextAsync())!.Id!);
    }
}

public sealed class StreamUnderTroubleTests(TestServers servers)
{
    [Fact]
    public async Task A_quiet_stream_pings_without_an_id()
    {
        await using var app = await StagingApp.StartAsync(servers, ping: TimeSpan.FromMilliseconds(200));
        var visitor = app.Visitor();
        await using var events = await visitor.EventsAsync(await visitor.SubmitAsync());

        (await events.NextOfAnyTypeAsync())!.Type.ShouldBe("snapshot");
        var ping = (await events.NextOfAnyTypeAsync())!;
        ping.Type.ShouldBe("ping");
        ping.Id.ShouldBeNullOrEmpty();
        (await events.NextOfAnyTypeAsync())!.Type.ShouldBe("ping");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stream_on_another_replica_is_woken_with_Redis_and_without(bool withRedis)
    {
        await using var app = await StagingApp.StartAsync(
            servers, redis: withRedis ? null : "127.0.0.1:1,password=nobody", ping: TimeSpan.FromMinutes(10), replicas: 2);
        var visitor = app.Visitor();
        var (listingId, jobs) = await visitor.ListAsync(1);
        await app.SentAsync(jobs[0]);
        await using var job = await visitor.EventsAsync(jobs[0], replica: 1);
        await using var listing = await visitor.ListingEventsAsync(listingId, replica: 1);
        await using var account = await visitor.EventsAsync(replica: 1);
        foreach (var stream in (EventReader[])[job, listing, account])
            await stream.NextAsync();

        await app.ClaimAsync(jobs[0], replica: 0);

        foreach (var stream in (EventReader[])[job, listing, account])
            (await stream.NextAsync())!.Type.ShouldBe("running");
    }

    [Fact]
    public async Task A_stopping_replica_closes_its_streams_with_a_time_to_reconnect()
    {
        await using var app = await StagingApp.StartAsync(servers, replicas: 2);
        var visitor = app.Visitor();
        await using var events = await visitor.EventsAsync(await visitor.SubmitAsync(), replica: 1);
        await events.NextOfAnyTypeAsync();
        events.Parser.ReconnectionInterval.ShouldBe(TimeSpan.FromSeconds(2));

        await app.StopReplicaAsync(1);

        var last = (await events.NextOfAnyTypeAsync())!;
        last.Type.ShouldBe("ping");
        last.Reconnection!.Value.TotalMilliseconds.ShouldBeInRange(500, 2999);
        (await events.NextOfAnyTypeAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task A_stream_survives_a_database_outage_and_tells_what_came_after()
    {
        await using var app = await StagingApp.StartAsync(servers, ping: TimeSpan.FromMilliseconds(300));
        var visitor = app.Visitor();
        var id = await visitor.SubmitAsync();
        await using var events = await visitor.EventsAsync(id);
        await events.NextAsync();

        await app.ExecuteAsync("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");
        await Eventually.Async(async () => (await app.ClaimAsync(id)).Decision is "go" or "leased", "the database is back");

        (await events.NextAsync())!.Type.ShouldBe("running");
    }

    [Fact]
    public async Task A_reader_that_takes_nothing_is_dropped_and_resumes_where_it_was()
    {
        await using var app = await StagingApp.StartAsync(servers, ping: TimeSpan.FromMinutes(10));
        var visitor = app.Visitor();
        var slow = await visitor.EventsAsync();
        var last = (await slow.NextAsync())!;
        var hub = app.Services.GetRequiredService<EventHub>();
        hub.HasSubscriptions.ShouldBeTrue();

        // More than all the buffers on the way take.
        await app.ExecuteAsync($"insert into account_streams values ('{visitor.Account}', 40)");
        await app.ExecuteAsync(
            $"insert into events (account_id, account_n, type, body) select '{visitor.Account}', n, 'credits', json_build_object('pad', repeat('x', 1000000)) from generate_series(1, 40) n");
        await Eventually.Async(() => !hub.HasSubscriptions, "the stream was dropped");
        await slow.DisposeAsync();

        await using var resumed = await visitor.EventsAsync(lastEventId: last.Id);
        (await resumed.NextAsync())!.Type.ShouldBe("snapshot", "no event has the number 0, so that there is nothing to resume from");
        await using var again = await visitor.EventsAsync(lastEventId: "1." + last.Id!.Split('.')[1]);
        for (var n = 2; n <= 40; n++)
            (await again.NextAsync())!.Id.ShouldStartWith($"{n}.");
    }

    [Fact]
    public async Task Gateways_open_streams_by_HTTP2_where_no_slow_one_ends_its_neighbours()
    {
        var url = $"http://127.0.0.1:{FreePorts.Next()}";
        await using var app = await StagingApp.StartAsync(servers, setting: ("HTTP2_URL", url));
        var visitor = app.Visitor();
        var id = await visitor.SubmitAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{url}/api/v1/stagings/{id}/events"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };

        await using var events = await EventReader.OpenAsync(await app.SendAsync(request, "gateway", visitor.Account, "visitor", completion: HttpCompletionOption.ResponseHeadersRead));

        (await events.NextAsync())!.Type.ShouldBe("snapshot");
        await app.ClaimAsync(id);
        (await events.NextAsync())!.Type.ShouldBe("running");
        app.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits.MinResponseDataRate.ShouldBeNull("Kestrel would end the whole connection");
    }

    [Fact]
    public async Task Open_streams_hold_no_database_connection()
    {
        await using var app = await StagingApp.StartAsync(servers);
        var visitor = app.Visitor();
        var id = await visitor.SubmitAsync();
        var streams = new List<EventReader>();
        for (var i = 0; i < 60; i++)
        {
            streams.Add(await visitor.EventsAsync(id));
            await streams[i].NextAsync();
        }

        // More streams than connections in the pool, and the service still answers.
        await app.ClaimAsync(id);

        foreach (var stream in streams)
        {
            (await stream.NextAsync())!.Type.ShouldBe("running");
            await stream.DisposeAsync();
        }
    }
}
