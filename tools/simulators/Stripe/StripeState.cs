using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using HomeStage.Simulators.Stripe.Wire;

namespace HomeStage.Simulators.Stripe;

/// <summary>
/// Everything the simulated account knows. Changes are made one at a time and become visible whole; with a data file each is one line of it,
/// so a process that dies keeps all of a change or nothing.
/// </summary>
internal sealed class StripeState : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, JsonObject> _objects = [];
    private readonly Dictionary<string, List<string>> _idsByKind = [];
    private readonly Channel<JsonObject> _emitted = Channel.CreateUnbounded<JsonObject>();
    private readonly StripeSettings _settings;
    private readonly TimeProvider _time;
    private readonly StreamWriter? _journal;

    public StripeState(StripeSettings settings, TimeProvider time)
    {
        _settings = settings;
        _time = time;
        if (settings.DataFile is { } file)
            _journal = OpenJournal(Path.GetFullPath(file));
    }

    /// <summary>Events in the order in which they happened, for the webhook sender; first those that an earlier process left.</summary>
    public ChannelReader<JsonObject> Emitted => _emitted.Reader;

    /// <summary>Runs work that sees and changes the objects; nothing of it remains when it throws.</summary>
    public T Change<T>(EventOrigin origin, Func<StripeChange, T> work)
    {
        lock (_gate)
        {
            var change = new StripeChange(this, _settings, origin, _time.GetUtcNow());
            var result = work(change);
            if (change.Staged.Count == 0)
                return result;
            _journal?.WriteLine(new JsonArray([.. change.Staged.Select(staged => staged.DeepClone())]).ToLine());
            foreach (var staged in change.Staged)
                Keep(staged);
            foreach (var happened in change.Events)
                _emitted.Writer.TryWrite(happened.Copy());
            return result;
        }
    }

    public T Read<T>(Func<StripeChange, T> work) => Change(EventOrigin.None, work);

    public void Dispose() => _journal?.Dispose();

    /// <summary>The stored object itself; only <see cref="StripeChange"/> may ask, under the lock.</summary>
    internal JsonObject? Peek(string id) => _objects.GetValueOrDefault(id);

    internal IReadOnlyList<string> Ids(string kind) => _idsByKind.GetValueOrDefault(kind) ?? [];

    private void Keep(JsonObject json)
    {
        if (!_objects.ContainsKey(json.Id()))
        {
            if (!_idsByKind.TryGetValue(json.Kind(), out var ids))
                _idsByKind[json.Kind()] = ids = [];
            ids.Add(json.Id());
        }
        _objects[json.Id()] = json;
    }

    private StreamWriter OpenJournal(string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var fresh = file + ".new";
        if (File.Exists(file))
        {
            foreach (var line in File.ReadLines(file))
            {
                if (Parse(line) is not { } changed)
                    break;
                foreach (var json in changed)
                    Keep(json!.DeepClone().AsObject());
            }
        }
        using (var compacted = new StreamWriter(fresh))
        {
            foreach (var json in _idsByKind.Values.SelectMany(ids => ids).Select(id => _objects[id]))
                compacted.WriteLine(new JsonArray(json.DeepClone()).ToLine());
        }
        File.Move(fresh, file, overwrite: true);
        foreach (var undelivered in Ids("event").Select(id => _objects[id]).Where(happened => happened.Number("pending_webhooks") > 0))
            _emitted.Writer.TryWrite(undelivered.Copy());
        return new StreamWriter(new FileStream(file, FileMode.Append, FileAccess.Write, FileShare.Read)) { AutoFlush = true };
    }

    /// <summary>A last line that was torn by the end of the process is no change.</summary>
    private static JsonArray? Parse(string line)
    {
        try
        {
            return JsonNode.Parse(line)?.AsArray();
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
