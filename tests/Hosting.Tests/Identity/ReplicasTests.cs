using System.Net;
using System.Net.Http.Json;
using HomeStage.Hosting.Identity;

namespace HomeStage.Hosting.Tests.Identity;

/// <summary>Calls to a service that has several replicas.</summary>
public sealed class ReplicasTests
{
    private static readonly Uri[] Urls = [new("http://one:1"), new("http://two:2"), new("http://three:3")];

    private readonly ShiftedTime _time = new();
    private readonly List<string> _asked = [];
    private readonly Dictionary<string, Exception> _failing = new(StringComparer.Ordinal);

    [Fact]
    public async Task Replicas_are_asked_in_turn_for_the_same_thing()
    {
        using var client = Client();

        for (var i = 0; i < 6; i++)
            await client.GetAsync("internal/things?of=1", TestContext.Current.CancellationToken);

        _asked.GroupBy(url => url).Select(group => group.Count()).ShouldBe([2, 2, 2]);
        _asked.ShouldAllBe(url => url.EndsWith("/internal/things?of=1"));
    }

    [Theory]
    [InlineData("GET", HttpRequestError.ConnectionError, false, true)]
    [InlineData("POST", HttpRequestError.ConnectionError, false, true)]
    [InlineData("GET", HttpRequestError.ResponseEnded, false, true)]
    [InlineData("PUT", HttpRequestError.ResponseEnded, false, true)]
    [InlineData("POST", HttpRequestError.ResponseEnded, false, false)]
    [InlineData("POST", HttpRequestError.ResponseEnded, true, true)]
    public async Task What_fails_at_one_replica_goes_to_the_next_if_it_was_not_sent_or_may_be_repeated(
        string method, HttpRequestError error, bool repeatable, bool again)
    {
        _failing["one"] = new HttpRequestException(error);
        using var client = Client(repeatable);
        using var request = new HttpRequestMessage(new HttpMethod(method), "internal/things") { Content = method == "GET" ? null : JsonContent.Create(new { a = 1 }) };

        if (again)
            (await client.SendAsync(request, TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.OK);
        else
            (await Should.ThrowAsync<HttpRequestException>(() => client.SendAsync(request, TestContext.Current.CancellationToken))).HttpRequestError.ShouldBe(error);
        _asked.Count.ShouldBe(again ? 2 : 1);
    }

    [Fact]
    public async Task A_replica_that_did_not_answer_is_asked_last_for_a_while()
    {
        _failing["one"] = new HttpRequestException(HttpRequestError.ConnectionError);
        using var client = Client();
        await client.GetAsync("", TestContext.Current.CancellationToken);
        _asked.Clear();

        for (var i = 0; i < 6; i++)
            await client.GetAsync("", TestContext.Current.CancellationToken);
        _asked.ShouldNotContain(url => url.Contains("one"));

        _failing.Clear();
        _time.Shift = Replicas.AwayFor + TimeSpan.FromSeconds(1);
        for (var i = 0; i < 3; i++)
            await client.GetAsync("", TestContext.Current.CancellationToken);
        _asked.ShouldContain(url => url.Contains("one"));
    }

    [Fact]
    public async Task With_nobody_there_each_is_tried_once_and_the_failure_is_told()
    {
        foreach (var url in Urls)
            _failing[url.Host] = new HttpRequestException(HttpRequestError.ConnectionError);
        using var client = Client();

        await Should.ThrowAsync<HttpRequestException>(() => client.GetAsync("", TestContext.Current.CancellationToken));

        _asked.Count.ShouldBe(3);
    }

    [Fact]
    public async Task One_that_takes_too_long_is_not_asked_next_time()
    {
        _failing["one"] = new TaskCanceledException();
        using var client = Client();
        await Should.ThrowAsync<TaskCanceledException>(() => client.GetAsync("", TestContext.Current.CancellationToken));
        _asked.Clear();

        for (var i = 0; i < 4; i++)
            await client.GetAsync("", TestContext.Current.CancellationToken);

        _asked.ShouldNotContain(url => url.Contains("one"));
    }

    private HttpClient Client(bool repeatable = false) =>
        new(new ReplicaHandler(new Replicas(Urls, _time), repeatable) { InnerHandler = new Peer(this) }) { BaseAddress = Urls[0] };

    private sealed class Peer(ReplicasTests test) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            test._asked.Add(request.RequestUri!.AbsoluteUri);
            return test._failing.TryGetValue(request.RequestUri.Host, out var error)
                ? Task.FromException<HttpResponseMessage>(error)
                : Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK));
        }
    }

    private sealed class ShiftedTime : TimeProvider
    {
        public TimeSpan Shift { get; set; }

        public override long GetTimestamp() => System.GetTimestamp() + (long)(Shift.TotalSeconds * TimestampFrequency);
    }
}
