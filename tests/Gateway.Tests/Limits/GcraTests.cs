using FsCheck;
using FsCheck.Fluent;
using HomeStage.Gateway.Limits;

namespace HomeStage.Gateway.Tests.Limits;

public sealed class GcraTests
{
    [Fact]
    public void In_any_window_at_most_the_burst_and_the_rate_are_granted() => Prop.ForAll(
        Programs(),
        program =>
        {
            var (interval, burst, steps) = program;
            var (tat, now) = (0L, 1_000_000L);
            var granted = new List<(long At, long Units)>();
            foreach (var (pause, want) in steps)
            {
                now += pause;
                var answer = Gcra.Take(tat, now, interval, burst, want);
                tat = answer.Tat;
                granted.Add((now, answer.Granted));
                answer.Granted.ShouldBeLessThanOrEqualTo(want);
                (answer.Wait > 0).ShouldBe(answer.Granted == 0);
            }

            for (var first = 0; first < granted.Count; first++)
            {
                var units = 0L;
                foreach (var (at, some) in granted.Skip(first))
                {
                    units += some;
                    units.ShouldBeLessThanOrEqualTo(burst + ((at - granted[first].At) / interval));
                }
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_unit_is_there_exactly_when_the_refusal_said() => Prop.ForAll(
        Programs(),
        program =>
        {
            var (interval, burst, steps) = program;
            var (tat, now) = (0L, 1_000_000L);
            foreach (var (pause, want) in steps)
            {
                now += pause;
                var answer = Gcra.Take(tat, now, interval, burst, want);
                tat = answer.Tat;
                if (answer.Granted > 0)
                    continue;
                Gcra.Take(tat, now + answer.Wait - 1, interval, burst, 1).Granted.ShouldBe(0);
                Gcra.Take(tat, now + answer.Wait, interval, burst, 1).Granted.ShouldBe(1);
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void What_a_lease_gives_back_is_as_if_it_had_not_been_taken() => Prop.ForAll(
        Programs(),
        program =>
        {
            var (interval, burst, steps) = program;
            // One takes a single unit each time; the other takes what it wants and gives the rest back before the next.
            var (exact, leased, now) = (0L, 0L, 1_000_000L);
            var (back, until) = (0L, 0L);
            foreach (var (pause, want) in steps)
            {
                now += pause;
                var one = Gcra.Take(exact, now, interval, burst, 1);
                exact = one.Tat;
                var lease = Gcra.Take(Gcra.GiveBack(leased, now, interval, back, until), now, interval, burst, want);
                leased = lease.Tat;
                (back, until) = (Math.Max(0, lease.Granted - 1), lease.Tat);
                (lease.Granted > 0).ShouldBe(one.Granted > 0);
            }
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("100/min burst 50", "api-min", 100, 60, 50)]
    [InlineData("5/h burst 5", "api-h", 5, 3600, 5)]
    [InlineData("10/s burst 1", "api-s", 10, 1, 1)]
    public void A_limit_is_read_as_it_is_written(string text, string name, int limit, int seconds, int burst)
    {
        var policy = LimitPolicy.Parse("api", text).ShouldNotBeNull().ShouldHaveSingleItem();

        policy.ShouldBe(new LimitPolicy(name, limit, TimeSpan.FromSeconds(seconds), burst));
        policy.Description.ShouldBe($"\"{name}\";q={limit};w={seconds}");
    }

    [Theory]
    [InlineData("")]
    [InlineData("100/min")]
    [InlineData("0/min burst 1")]
    [InlineData("1/min burst 0")]
    [InlineData("-1/min burst 1")]
    [InlineData("100/day burst 1")]
    [InlineData("99999999/min burst 1")]
    [InlineData("1/min burst 1, 2/min burst 2")]
    [InlineData("off")]
    public void A_limit_that_is_none_is_refused(string text) => LimitPolicy.Parse("api", text).ShouldBeNull();

    [Theory]
    [InlineData("60/min burst 60", 1, 1)]
    [InlineData("100/min burst 60", 1, 10)]
    [InlineData("100/min burst 60", 20, 1)]
    [InlineData("1200/min burst 200", 2, 20)]
    [InlineData("6000/min burst 1000", 1, 60)]
    [InlineData("6000/min burst 1000", 2, 30)]
    public void Only_large_limits_are_leased_and_never_more_than_a_tenth_over_all_replicas(string text, int replicas, int lease) =>
        LimitPolicy.Parse("api", text)![0].Lease(replicas).ShouldBe(lease);

    private static Arbitrary<(long Interval, long Burst, (long Pause, long Want)[] Steps)> Programs() =>
        (from interval in Gen.Choose(1, 5_000)
         from burst in Gen.Choose(1, 40)
         from steps in Gen.ArrayOf(from pause in Gen.Frequency((6, Gen.Choose(0, 2_000)), (1, Gen.Choose(0, 200_000))) from want in Gen.Choose(1, 20) select ((long)pause, (long)want))
         select ((long)interval, (long)burst, steps)).ToArbitrary();
}
