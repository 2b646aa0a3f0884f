using HomeStage.Staging.Attempts;
using HomeStage.Testing;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.Attempts;

public sealed class SchedulerTests(TestServers servers)
{
    [Fact]
    public async Task Leases_do_not_expire_in_the_first_30_seconds_of_a_sweep()
    {
        await using var app = await StagingApp.StartAsync(servers, scheduler: false);
        var id = await app.Visitor().SubmitAsync();
        await app.ClaimAsync(id);
        app.Clock.Pass(TimeSpan.FromMinutes(5));
        using var scheduler = ActivatorUtilities.CreateInstance<Scheduler>(app.Services);

        await scheduler.SweepAsync(TestContext.Current.CancellationToken);
        (await app.CountAsync($"jobs where id = '{id}' and attempt = 1")).ShouldBe(1);
        app.Clock.Pass(TimeSpan.FromSeconds(31));
        await scheduler.SweepAsync(TestContext.Current.CancellationToken);

        (await app.CountAsync($"jobs where id = '{id}' and attempt = 2")).ShouldBe(1);
    }

    [Fact]
    public async Task Two_schedulers_send_a_due_job_once()
    {
        await using var app = await StagingApp.StartAsync(servers, scheduler: false);
        for (var i = 0; i < 5; i++)
            await app.Visitor().SubmitAsync();
        app.Clock.Pass(TimeSpan.FromSeconds(61));
        using var one = ActivatorUtilities.CreateInstance<Scheduler>(app.Services);
        using var other = ActivatorUtilities.CreateInstance<Scheduler>(app.Services);

        await Task.WhenAll(one.SweepAsync(TestContext.Current.CancellationToken), other.SweepAsync(TestContext.Current.CancellationToken));

        (await app.CountAsync("jobs where sends = 2")).ShouldBe(5);
    }
}
