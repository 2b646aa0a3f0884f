using HomeStage.Hosting.Batching;

namespace HomeStage.Hosting.Tests.Batching;

public sealed class BatchesTests
{
    private readonly TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<string> _runs = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_waits_for_a_batch_is_done_together_and_each_gets_its_own_answer()
    {
        var batches = Batches(most: 10);
        var answers = Enumerable.Range(0, 4).Select(item => batches.AddAsync("a", item, Cancel)).ToList();

        batches.WaitingCount.ShouldBe(3);
        _gate.SetResult();

        (await Task.WhenAll(answers)).ShouldBe([0, 10, 20, 30]);
        _runs.ShouldBe(["a:0", "a:1,2,3"]);
        batches.WaitingCount.ShouldBe(0);
    }

    [Fact]
    public async Task No_batch_is_larger_than_it_may_be()
    {
        var batches = Batches(most: 2);
        var answers = Enumerable.Range(0, 4).Select(item => batches.AddAsync("a", item, Cancel)).ToList();
        _gate.SetResult();

        await Task.WhenAll(answers);
        _runs.ShouldBe(["a:0", "a:1,2", "a:3"]);
    }

    [Fact]
    public async Task Keys_do_not_wait_for_each_other()
    {
        var batches = Batches(most: 10);
        var first = batches.AddAsync("a", 0, Cancel);

        (await batches.AddAsync("b", 2, Cancel)).ShouldBe(20);
        first.IsCompleted.ShouldBeFalse();
        _gate.SetResult();
        (await first).ShouldBe(0);
    }

    [Fact]
    public async Task A_fault_of_one_is_not_the_others()
    {
        var batches = Batches(most: 10);
        var answers = new[] { 0, 1, -1, 3 }.Select(item => batches.AddAsync("a", item, Cancel)).ToList();
        _gate.SetResult();

        (await answers[1]).ShouldBe(10);
        await Should.ThrowAsync<InvalidOperationException>(answers[2]);
        (await answers[3]).ShouldBe(30);
    }

    [Fact]
    public async Task An_outage_is_everybodys_at_once_and_the_next_is_tried_again()
    {
        var batches = Batches(most: 10);
        var answers = new[] { 0, 1, -2, 3 }.Select(item => batches.AddAsync("a", item, Cancel)).ToList();
        _gate.SetResult();

        foreach (var answer in answers[1..])
            await Should.ThrowAsync<TimeoutException>(answer);
        _runs.ShouldBe(["a:0", "a:1,-2,3"]);
        (await batches.AddAsync("a", 4, Cancel)).ShouldBe(40);
    }

    [Fact]
    public async Task Who_stops_waiting_does_not_stop_the_work()
    {
        var batches = Batches(most: 10);
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var first = batches.AddAsync("a", 0, Cancel);
        var second = batches.AddAsync("a", 1, impatient.Token);
        var third = batches.AddAsync("a", 2, Cancel);

        await impatient.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(second);
        _gate.SetResult();

        (await first).ShouldBe(0);
        (await third).ShouldBe(20);
        _runs.ShouldBe(["a:0", "a:1,2"]);
    }

    /// <summary>Answers ten times the item; item 0 waits for the gate, -1 is a fault, -2 an outage.</summary>
    private Batches<string, int, int> Batches(int most) => new(
        async (key, items) =>
        {
            lock (_runs)
                _runs.Add($"{key}:{string.Join(',', items)}");
            if (items.Contains(0))
                await _gate.Task;
            if (items.Contains(-1))
                throw new InvalidOperationException("a fault");
            if (items.Contains(-2))
                throw new TimeoutException("an outage");
            return [.. items.Select(item => item * 10)];
        },
        most);
}
