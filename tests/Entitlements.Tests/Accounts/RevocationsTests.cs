using System.Collections.Concurrent;
using HomeStage.Testing;
using Shouldly;
using StackExchange.Redis;
using Xunit;

namespace HomeStage.Entitlements.Tests.Accounts;

[Collection(nameof(OneService))]
public sealed class RevocationsTests(EntitlementsFixture fixture)
{
    private readonly EntitlementsApp _app = fixture.App;
    private readonly Guid _account = Guid.CreateVersion7();
    private readonly Guid _here = Guid.CreateVersion7();
    private readonly Guid _there = Guid.CreateVersion7();

    [Fact]
    public async Task Devices_are_listed_and_one_is_signed_out_by_another()
    {
        await SeeAsync(_here, "Firefox on Linux");
        _app.Clock.Pass(TimeSpan.FromMinutes(1));
        await SeeAsync(_there, "Safari on iPhone");

        var items = (await _app.AsAsync(HttpMethod.Get, "/api/v1/sessions", _account, _here)).Ok()["items"]!.AsArray();
        items.Select(item => ((string)item!["device"]!, (bool)item["current"]!)).ShouldBe([("Safari on iPhone", false), ("Firefox on Linux", true)]);

        (await _app.AsAsync(HttpMethod.Delete, $"/api/v1/sessions/{_there}", _account, _here)).Status.ShouldBe(204);
        (await RevokedSinceAsync("0")).Subjects.ShouldContain(_there);
        (await SeeAsync(_there, null)).ShouldBe(410);
        (await SeeAsync(_here, null)).ShouldBe(204);
        (await _app.AsAsync(HttpMethod.Get, "/api/v1/sessions", _account, _here)).Ok()["items"]!.AsArray().Count.ShouldBe(1);
    }

    [Fact]
    public async Task Signing_out_everywhere_ends_every_device_and_that_of_nobody_else()
    {
        var (stranger, theirs) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await SeeAsync(_there, null);
        await SeeAsync(theirs, null, stranger);

        // The one that asks was never registered.
        (await _app.AsAsync(HttpMethod.Delete, "/api/v1/sessions", _account, _here)).Status.ShouldBe(204);

        var revoked = (await RevokedSinceAsync("0")).Subjects;
        revoked.ShouldContain(_here);
        revoked.ShouldContain(_there);
        revoked.ShouldNotContain(theirs);
    }

    [Fact]
    public async Task Another_accounts_session_is_unknown()
    {
        await SeeAsync(_there, null, Guid.CreateVersion7());

        (await _app.AsAsync(HttpMethod.Delete, $"/api/v1/sessions/{_there}", _account, _here)).Code.ShouldBe("not_found");
        (await SendEndAsync(_there)).Status.ShouldBe(204);
        (await RevokedSinceAsync("0")).Subjects.ShouldNotContain(_there);
    }

    [Fact]
    public async Task A_program_sees_and_ends_no_sessions()
    {
        (await _app.AsAsync(HttpMethod.Get, "/api/v1/sessions", _account, session: null, kind: "key")).Code.ShouldBe("forbidden");
        (await _app.AsAsync(HttpMethod.Delete, "/api/v1/sessions", _account, session: null, kind: "key")).Code.ShouldBe("forbidden");
        (await _app.AsAsync(HttpMethod.Delete, $"/api/v1/sessions/{_there}", Guid.Empty, session: null, kind: "anonymous")).Code.ShouldBe("unauthenticated");
    }

    [Fact]
    public async Task Gateways_are_told_by_Redis_once_it_is_committed()
    {
        using var redis = await ConnectionMultiplexer.ConnectAsync(_app.Settings["REDIS_CONNECTION"]);
        var seen = new ConcurrentQueue<List<Guid>>();
        await redis.GetSubscriber().SubscribeAsync(
            new RedisChannel("homestage:revocations", RedisChannel.PatternMode.Literal), (_, _) => seen.Enqueue(RevokedSinceAsync("0").GetAwaiter().GetResult().Subjects));

        await SendEndAsync(_here);

        await Eventually.Async(() => seen.Any(subjects => subjects.Contains(_here)), "whoever is told finds it");
    }

    [Fact]
    public async Task What_commits_late_is_read_later_and_nothing_is_missed()
    {
        var (early, late) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await using var connection = await _app.Admin.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var command = connection.CreateCommand())
        {
            command.CommandText = $"insert into revocations (subject, kind, revoked_at, until) values ('{late}', 'session', '2030-01-01', '2040-01-01')";
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        // A later transaction is read before the earlier one commits.
        await SendEndAsync(early);
        var (subjects, next) = await RevokedSinceAsync("0");
        subjects.ShouldContain(early);
        subjects.ShouldNotContain(late);
        await transaction.CommitAsync(TestContext.Current.CancellationToken);

        (await RevokedSinceAsync(next)).Subjects.ShouldContain(late);
        // Once nothing older runs (others use the server, too), there is nothing to read again.
        await Eventually.Async(async () => (await RevokedSinceAsync((await RevokedSinceAsync(next)).Next)).Subjects.Count == 0, "all was read");
    }

    [Fact]
    public async Task A_long_list_is_read_in_parts_and_what_commits_between_them_is_read_next()
    {
        // Five of one transaction and two of their own.
        var sessions = Enumerable.Range(0, 7).Select(_ => Guid.CreateVersion7()).ToList();
        foreach (var session in sessions[..5])
            await SeeAsync(session, null);
        await _app.AsAsync(HttpMethod.Delete, "/api/v1/sessions", _account, sessions[0]);
        await SendEndAsync(sessions[5]);
        await SendEndAsync(sessions[6]);
        var late = Guid.CreateVersion7();
        await using var connection = await _app.Admin.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var command = connection.CreateCommand())
        {
            command.CommandText = $"insert into revocations (subject, kind, revoked_at, until) values ('{late}', 'session', '2030-01-01', '2040-01-01')";
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        var read = new List<Guid>();
        var (after, more) = ("0", true);
        while (more)
        {
            var list = (await _app.SendAsync(HttpMethod.Get, $"/internal/revocations?limit=2&after={after}", "gateway")).Ok();
            var subjects = list["subjects"]!.AsArray().Select(subject => (Guid)subject!).ToList();
            subjects.Count.ShouldBeLessThanOrEqualTo(2);
            read.AddRange(subjects);
            if (after == "0")
                await transaction.CommitAsync(TestContext.Current.CancellationToken);
            (after, more) = ((string)list["next"]!, (bool)list["more"]!);
        }

        read.ShouldBeUnique();
        read.Intersect(sessions).Count().ShouldBe(sessions.Count);
        read.Concat((await RevokedSinceAsync(after)).Subjects).ShouldContain(late);
    }

    [Theory]
    [InlineData("after=x")]
    [InlineData("after=1.2")]
    [InlineData("after=1.2.3")]
    [InlineData("limit=0")]
    public async Task A_position_that_no_answer_gave_is_refused(string query) =>
        (await _app.SendAsync(HttpMethod.Get, $"/internal/revocations?{query}", "gateway")).Code.ShouldBe("validation_failed");

    [Fact]
    public async Task What_would_have_ended_by_itself_is_forgotten()
    {
        await SendEndAsync(_here);
        _app.Clock.Pass(TimeSpan.FromDays(402));

        (await RevokedSinceAsync("0")).Subjects.ShouldNotContain(_here);
    }

    private async Task<int> SeeAsync(Guid session, string? device, Guid? account = null) =>
        (await _app.SendAsync(HttpMethod.Put, $"/internal/sessions/{session}", "gateway", new { accountId = account ?? _account, kind = "visitor", device })).Status;

    private Task<Answer> SendEndAsync(Guid session) =>
        _app.SendAsync(HttpMethod.Post, $"/internal/sessions/{session}/end", "gateway", new { accountId = _account, kind = "visitor", everywhere = false });

    private async Task<(List<Guid> Subjects, string Next)> RevokedSinceAsync(string after)
    {
        var list = (await _app.SendAsync(HttpMethod.Get, $"/internal/revocations?after={after}", "gateway")).Ok();
        return ([.. list["subjects"]!.AsArray().Select(subject => (Guid)subject!)], (string)list["next"]!);
    }
}
