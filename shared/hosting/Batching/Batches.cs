using System.Diagnostics;
using HomeStage.Hosting.Messaging;

namespace HomeStage.Hosting.Batching;

/// <summary>
/// Work that is asked for while other work of its key is being committed waits for it, and is then done together in one transaction.
/// A commit waits for the disk; so what is busy gets through as many as wait, and what is not busy waits for nothing.
/// </summary>
/// <typeparam name="TKey">What is worked on one batch at a time.</typeparam>
/// <typeparam name="TItem">What is asked for.</typeparam>
/// <typeparam name="TResult">The answer to one.</typeparam>
/// <param name="run">
/// Does all of a batch or nothing, and answers each item in order; repeating it must do no harm. If it fails, the items are done one by
/// one, so that a failure is only that item's own; except when the database is away, which is everybody's.
/// </param>
/// <param name="most">How many are done together at most, so that nobody waits long for the others' work.</param>
public sealed class Batches<TKey, TItem, TResult>(Func<TKey, IReadOnlyList<TItem>, Task<IReadOnlyList<TResult>>> run, int most)
    where TKey : notnull
{
    private readonly Dictionary<TKey, Queue<Waiting>> _busy = [];
    private int _waiting;

    /// <summary>How many wait for others of their key, and are not being done yet.</summary>
    public int WaitingCount => Volatile.Read(ref _waiting);

    /// <summary>Asks for one.</summary>
    /// <param name="key">Whose turn it takes.</param>
    /// <param name="item">What to do.</param>
    /// <param name="cancellationToken">Stops waiting; it may be done none the less.</param>
    public async Task<TResult> AddAsync(TKey key, TItem item, CancellationToken cancellationToken)
    {
        var waiting = new Waiting(item);
        lock (_busy)
        {
            if (_busy.TryGetValue(key, out var queue))
            {
                queue.Enqueue(waiting);
                _waiting++;
            }
            else
            {
                _busy.Add(key, []);
                _ = RunAsync(key, [waiting]);
            }
        }

        return await waiting.Answer.Task.WaitAsync(cancellationToken);
    }

    private async Task RunAsync(TKey key, List<Waiting> together)
    {
        await Task.Yield();
        while (together.Count > 0)
        {
            // What is written belongs to the trace of a request that asked for it.
            Activity.Current = together[0].Activity;
            await AnswerAsync(key, together);

            lock (_busy)
            {
                together = Next(_busy[key]);
                _waiting -= together.Count;
                if (together.Count == 0)
                    _busy.Remove(key);
            }
        }
    }

    private async Task AnswerAsync(TKey key, List<Waiting> together)
    {
        try
        {
            var answers = await run(key, together.ConvertAll(waiting => waiting.Item));
            for (var index = 0; index < together.Count; index++)
                together[index].Answer.SetResult(answers[index]);
        }
        catch (Exception error) when (together.Count > 1 && !Infrastructure.IsTransient(error))
        {
            foreach (var waiting in together)
                await AnswerAsync(key, [waiting]);
        }
        catch (Exception error)
        {
            foreach (var waiting in together)
                waiting.Answer.SetException(error);
        }
    }

    private List<Waiting> Next(Queue<Waiting> queue)
    {
        var next = new List<Waiting>();
        while (next.Count < most && queue.TryDequeue(out var waiting))
            next.Add(waiting);
        return next;
    }

    private sealed record Waiting(TItem Item)
    {
        public Activity? Activity { get; } = Activity.Current;

        public TaskCompletionSource<TResult> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
