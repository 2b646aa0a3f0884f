using HomeStage.Gateway.Limits;

namespace HomeStage.Gateway.Tests.Limits;

/// <summary>What a replica remembers of Redis's answers, in whatever order they come.</summary>
public sealed class BucketTests
{
    private const long Now = 1_000_000_000;

    private readonly Bucket _bucket = new();
    private readonly LimitPolicy _policy = LimitPolicy.Parse("api", "3000/h burst 300")!.Single();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Of_two_that_asked_at_once_and_one_got_the_rest_nobody_is_refused_while_there_is_some_of_it(bool refusalLast)
    {
        GcraAnswer rest = new(Granted: 3, Tat: Now + (300 * _policy.Interval), Wait: 0);
        GcraAnswer refusal = new(Granted: 0, rest.Tat, Wait: _policy.Interval);

        foreach (var answer in (GcraAnswer[])(refusalLast ? [rest, refusal] : [refusal, rest]))
            _bucket.Keep(answer, new Counted(_policy, "somebody", _bucket), Now, Now);

        _bucket.Wait(Now).ShouldBe(0);
        (_bucket.TryTakeLeased(Now), _bucket.TryTakeLeased(Now), _bucket.TryTakeLeased(Now)).ShouldBe((true, true, false));
    }

    [Fact]
    public void A_refusal_is_remembered_where_nothing_is_left()
    {
        _bucket.Keep(new(Granted: 1, Tat: Now + (300 * _policy.Interval), Wait: 0), new Counted(_policy, "somebody", _bucket), Now, Now);
        _bucket.Keep(new(Granted: 0, Tat: Now + (300 * _policy.Interval), Wait: _policy.Interval), new Counted(_policy, "somebody", _bucket), Now, Now);

        _bucket.Wait(Now).ShouldBe(_policy.Interval);
    }
}
