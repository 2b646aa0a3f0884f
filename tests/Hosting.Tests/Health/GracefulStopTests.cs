using System.Net;
using System.Runtime.InteropServices;
using HomeStage.Hosting.Health;
using HomeStage.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace HomeStage.Hosting.Tests.Health;

public sealed class GracefulStopTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task On_sigterm_readiness_goes_first_and_the_service_serves_on_for_the_drain_delay()
    {
        await using var host = await ServingAsync(drainDelay: "60");
        using (var before = await host.Client.GetAsync("/here", Cancel))
            before.Headers.ConnectionClose.ShouldNotBe(true);

        Signal(host, PosixSignal.SIGTERM);

        (await ReadinessAsync(host)).ShouldBe((HttpStatusCode.ServiceUnavailable, true));
        using (var during = await host.Client.GetAsync("/here", Cancel))
        {
            during.StatusCode.ShouldBe(HttpStatusCode.OK);
            during.Headers.ConnectionClose.ShouldBe(true, "clients are to go elsewhere");
        }

        IsStopping(host).ShouldBeFalse();
        Signal(host, PosixSignal.SIGTERM);
        await Eventually.Async(() => IsStopping(host), "a second signal ends the delay");
    }

    [Theory]
    [InlineData(PosixSignal.SIGTERM, "0")]
    [InlineData(PosixSignal.SIGINT, "60")]
    public async Task Without_a_delay_or_by_hand_it_stops_at_once(PosixSignal signal, string drainDelay)
    {
        await using var host = await ServingAsync(drainDelay);

        Signal(host, signal);

        await Eventually.Async(() => IsStopping(host), "the service stops");
    }

    [Fact]
    public async Task Who_serves_nothing_does_not_wait_for_anybody_to_see_it()
    {
        await using var host = await TestHost.StartAsync(_ => { }, new Dictionary<string, string> { ["DRAIN_DELAY_SECONDS"] = "60" });

        Signal(host, PosixSignal.SIGTERM);

        await Eventually.Async(() => IsStopping(host), "the service stops");
    }

    [Fact]
    public async Task Health_and_metrics_answer_until_everything_else_has_stopped()
    {
        var finished = new TaskCompletionSource();
        await using var host = await TestHost.StartAsync(service =>
        {
            service.Map(app => app.MapGet("/here", () => "here"));
            service.Services.AddHostedService(_ => new SlowToStop(finished.Task));
        });

        var stopping = host.StopAsync();
        await Eventually.Async(async () => await IsRefusedAsync(host.Client), "the service's own listener is closed");

        (await ReadinessAsync(host)).ShouldBe((HttpStatusCode.ServiceUnavailable, true));
        (await host.Management.GetAsync("/health/live", Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await host.Management.GetAsync("/metrics", Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);
        finished.SetResult();
        await stopping;
        (await IsRefusedAsync(host.Management)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_service_that_is_still_starting_says_so()
    {
        var started = new TaskCompletionSource();
        int[] ports = [Tool.Servers.FreePorts.Next(), Tool.Servers.FreePorts.Next()];
        using var management = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{ports[1]}") };
        var starting = TestHost.StartAsync(
            service => service.Services.AddHostedService(_ => new SlowToStart(started.Task)),
            new Dictionary<string, string> { ["HTTP_URL"] = $"http://127.0.0.1:{ports[0]}", ["MANAGEMENT_URL"] = management.BaseAddress.OriginalString });

        await Eventually.Async(async () => (await management.GetStringAsync("/health/live", Cancel)).Contains("live", StringComparison.Ordinal), "it lives");
        using (var ready = await management.GetAsync("/health/ready", Cancel))
            ready.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        started.SetResult();

        await using var host = await starting;
        using var now = await management.GetAsync("/health/ready", Cancel);
        now.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private static Task<TestHost> ServingAsync(string drainDelay) => TestHost.StartAsync(
        service => service.Map(app => app.MapGet("/here", () => "here")), new Dictionary<string, string> { ["DRAIN_DELAY_SECONDS"] = drainDelay });

    private static void Signal(TestHost host, PosixSignal signal) =>
        host.Services.GetRequiredService<GracefulStop>().Stop(new PosixSignalContext(signal));

    private static bool IsStopping(TestHost host) =>
        host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested;

    private static async Task<(HttpStatusCode Status, bool Draining)> ReadinessAsync(TestHost host)
    {
        using var answer = await host.Management.GetAsync("/health/ready", Cancel);
        return (answer.StatusCode, (await answer.Content.ReadAsStringAsync(Cancel)).Contains("draining", StringComparison.Ordinal));
    }

    private static async Task<bool> IsRefusedAsync(HttpClient client)
    {
        try
        {
            using var answer = await client.GetAsync("/here", Cancel);
            return false;
        }
        catch (HttpRequestException)
        {
            return true;
        }
    }

    private sealed class SlowToStop(Task finished) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => finished.WaitAsync(cancellationToken);
    }

    private sealed class SlowToStart(Task started) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => started.WaitAsync(cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
