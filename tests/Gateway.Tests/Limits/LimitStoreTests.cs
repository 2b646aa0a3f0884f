using HomeStage.Gateway.Limits;
using HomeStage.Hosting.Redis;
using Microsoft.Extensions.DependencyInjection;

namespace HomeStage.Gateway.Tests.Limits;

/// <summary>The Lua on a real Redis, against the same arithmetic in C#, with Redis's own times.</summary>
public sealed class LimitStoreTests(SharedRedis redis)
{
    [Fact]
    public async Task The_script_decides_as_the_arithmetic_does()
    {
        await using var stack = await StartAsync();
        var store = stack.Gateway.Services.GetRequiredService<LimitStore>();
        var cancel = TestContext.Current.CancellationToken;
        var random = new Random(20261122);
        for (var program = 0; program < 20; program++)
        {
            var keys = Enumerable.Range(0, random.Next(1, 5)).Select(_ => $"test:{Guid.NewGuid():N}").ToArray();
            var policies = keys.Select((_, i) => new LimitPolicy($"p{i}", random.Next(200, 20_000), TimeSpan.FromSeconds(1), random.Next(1, 30))).ToArray();
            var tats = new long[keys.Length];
            var leases = new (long Units, long Until)[keys.Length];
            for (var step = 0; step < 40; step++)
            {
                var questions = keys.Select((key, i) =>
                {
                    var least = random.Next(1, 5);
                    return new LimitQuestion(key, policies[i], random.Next(least, 20), leases[i].Units, leases[i].Until, least);
                }).ToArray();
                var (now, answers) = await store.TakeAsync(questions, cancel);

                var returned = questions.Select((question, i) => Gcra.GiveBack(tats[i], now, question.Policy.Interval, question.Back, question.Until)).ToArray();
                var expected = questions.Select((question, i) => Gcra.Take(returned[i], now, question.Policy.Interval, question.Policy.Burst, question.Want, question.Least)).ToArray();
                var refused = expected.Any(answer => answer.Granted == 0);
                for (var i = 0; i < keys.Length; i++)
                {
                    answers[i].Granted.ShouldBe(refused ? 0 : expected[i].Granted);
                    answers[i].Wait.ShouldBe(expected[i].Wait);
                    tats[i] = refused ? returned[i] : expected[i].Tat;
                    // What Redis has forgotten is as good as a time that has passed.
                    Math.Max(answers[i].Tat, now).ShouldBe(Math.Max(tats[i], now));
                    leases[i] = (Math.Max(0, answers[i].Granted - questions[i].Least), answers[i].Tat);
                }
            }
        }
    }

    [Fact]
    public async Task A_key_ends_when_it_has_no_meaning_any_more()
    {
        await using var stack = await StartAsync();
        var store = stack.Gateway.Services.GetRequiredService<LimitStore>();
        var connection = stack.Gateway.Services.GetRequiredService<RedisConnection>();
        var key = $"test:{Guid.NewGuid():N}";

        await store.TakeAsync([new(key, new LimitPolicy("p", 10, TimeSpan.FromMinutes(1), 10), 3, 0, 0)], TestContext.Current.CancellationToken);

        var life = await connection.RunAsync(database => database.KeyTimeToLiveAsync(key), TestContext.Current.CancellationToken);
        life.ShouldNotBeNull().ShouldBeInRange(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(18));
    }

    private Task<Stack> StartAsync() => Stack.StartAsync((_, settings) =>
    {
        settings["REDIS_CONNECTION"] = redis.Connection;
        settings["REDIS_TIMEOUT_MS"] = "10000";
    });
}
