using System.Diagnostics.Metrics;
using HomeStage.Hosting.Recurring;
using HomeStage.Hosting.Telemetry;
using HomeStage.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace HomeStage.Hosting.Tests.Recurring;

public sealed class RecurringWorkTests : IDisposable
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly MeterListener _listener = new();
    private readonly Dictionary<string, double> _figures = [];
    private readonly Clock _clock = new();
    private readonly Sweeps _sweeps;

    public RecurringWorkTests()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Scope == _services.GetRequiredService<IMeterFactory>())
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => _figures[instrument.Name] = _figures.GetValueOrDefault(instrument.Name) + value);
        _listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => _figures[instrument.Name] = value);
        _listener.Start();
        _sweeps = new Sweeps(_services.GetRequiredService<IMeterFactory>(), _clock);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _listener.Dispose();
        _sweeps.Dispose();
        _services.Dispose();
    }

    [Fact]
    public async Task A_failure_is_counted_and_explained_and_the_next_run_succeeds()
    {
        using var work = new Work(_sweeps, _clock, Hour, TimeSpan.Zero, run => run < 3 ? throw new InvalidDataException($"run {run}") : true);
        await work.StartAsync(Cancel);
        await Eventually.Async(() => work.Waits == 1, "the third run succeeded");

        work.Failures.ShouldBe(["run 1", "run 2"]);
        Figure("homestage.sweeps.failures").ShouldBe(2);
        Figure("homestage.sweeps.last_success.timestamp").ShouldBe(_clock.GetUtcNow().ToUnixTimeSeconds());
        Figure("homestage.sweeps.period").ShouldBe(Hour.TotalSeconds);
        await work.StopAsync(Cancel);
    }

    [Fact]
    public async Task What_another_replica_does_is_neither_success_nor_failure_here()
    {
        var started = _clock.GetUtcNow();
        using var work = new Work(_sweeps, _clock, TimeSpan.Zero, Hour, _ =>
        {
            _clock.Pass(Hour);
            return false;
        });
        await work.StartAsync(Cancel);
        await Eventually.Async(() => work.Waits > 2, "it was tried some times");
        await work.StopAsync(Cancel);

        Figure("homestage.sweeps.last_success.timestamp").ShouldBe(started.ToUnixTimeSeconds());
        Figure("homestage.sweeps.failures").ShouldBe(0);
    }

    [Fact]
    public async Task The_end_of_the_service_ends_a_run_and_is_no_failure()
    {
        using var work = new Work(_sweeps, _clock, Hour, TimeSpan.Zero, (_, stop) => Task.Delay(Timeout.Infinite, stop).ContinueWith(_ => true, stop));
        await work.StartAsync(Cancel);
        await Eventually.Async(() => work.Runs == 1, "it runs");
        await work.StopAsync(Cancel);

        work.ExecuteTask!.Status.ShouldBe(TaskStatus.RanToCompletion);
        (work.Runs, work.Failures.Count).ShouldBe((1, 0));
        Figure("homestage.sweeps.failures").ShouldBe(0);
    }

    [Fact]
    public async Task The_end_of_the_service_ends_the_wait()
    {
        using var work = new Work(_sweeps, _clock, Hour, Hour, _ => true);
        await work.StartAsync(Cancel);
        await Eventually.Async(() => work.Waits == 1, "it waits for an hour");
        await work.StopAsync(Cancel);

        work.ExecuteTask!.Status.ShouldBe(TaskStatus.RanToCompletion);
        work.Runs.ShouldBe(1);
    }

    private double Figure(string name)
    {
        _listener.RecordObservableInstruments();
        return _figures[name];
    }

    private sealed class Clock : TimeProvider
    {
        private long _ticks = new DateTimeOffset(2030, 1, 15, 9, 0, 0, TimeSpan.Zero).Ticks;

        public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref _ticks), TimeSpan.Zero);

        internal void Pass(TimeSpan time) => Interlocked.Add(ref _ticks, time.Ticks);
    }

    private sealed class Work(Sweeps sweeps, TimeProvider time, TimeSpan interval, TimeSpan retryAfter, Func<int, CancellationToken, Task<bool>> run)
        : RecurringWork("test", interval, sweeps, time)
    {
        private volatile int _runs;
        private volatile int _waits;

        internal Work(Sweeps sweeps, TimeProvider time, TimeSpan interval, TimeSpan retryAfter, Func<int, bool> run)
            : this(sweeps, time, interval, retryAfter, (number, _) => Task.FromResult(run(number)))
        {
        }

        internal int Runs => _runs;

        internal int Waits => _waits;

        internal List<string> Failures { get; } = [];

        protected override TimeSpan RetryAfter => retryAfter;

        protected override Task<bool> WorkAsync(CancellationToken cancellationToken) => run(++_runs, cancellationToken);

        protected override Task WaitAsync(CancellationToken cancellationToken)
        {
            _waits++;
            return base.WaitAsync(cancellationToken);
        }

        protected override void Failed(Exception error) => Failures.Add(error.Message);
    }
}
