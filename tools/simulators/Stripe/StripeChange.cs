using System.Text.Json.Nodes;
using HomeStage.Simulators.Stripe.Fixtures;
using HomeStage.Simulators.Stripe.Wire;

namespace HomeStage.Simulators.Stripe;

/// <summary>The API request that caused an event; empty for what happens by itself or on the checkout page.</summary>
internal sealed record EventOrigin(string? RequestId, string? IdempotencyKey)
{
    public static EventOrigin None { get; } = new(null, null);
}

/// <summary>One change in the making: objects are copied when they are taken, so that nothing shows before all is well.</summary>
internal sealed class StripeChange(StripeState state, StripeSettings settings, EventOrigin origin, DateTimeOffset now)
{
    private readonly Dictionary<string, JsonObject> _staged = [];

    public EventOrigin Origin { get; } = origin;

    public Uri Url { get; } = settings.PublicUrl ?? settings.Url;

    /// <summary>Unix seconds, as all of Stripe's times.</summary>
    public long Now { get; } = now.ToUnixTimeSeconds();

    public IReadOnlyCollection<JsonObject> Staged => _staged.Values;

    public List<JsonObject> Events { get; } = [];

    /// <summary>A copy to read.</summary>
    public JsonObject? Find(string id) => (_staged.GetValueOrDefault(id) ?? state.Peek(id))?.Copy();

    public JsonObject? Find(string id, string kind) => Find(id) is { } json && json.Kind() == kind ? json : null;

    /// <summary>The object itself, to be changed.</summary>
    public JsonObject Edit(string id)
    {
        if (!_staged.TryGetValue(id, out var json))
            _staged[id] = json = (state.Peek(id) ?? throw new InvalidOperationException($"There is no {id}.")).Copy();
        return json;
    }

    public JsonObject Add(JsonObject json) => _staged[json.Id()] = json;

    /// <summary>All objects of a kind, newest first.</summary>
    public IEnumerable<JsonObject> Newest(string kind)
    {
        var added = _staged.Values.Where(json => json.Kind() == kind && state.Peek(json.Id()) is null).Reverse();
        return added.Concat(state.Ids(kind).Reverse().Select(id => _staged.GetValueOrDefault(id) ?? state.Peek(id)!));
    }

    /// <summary>Says that something happened to the object as it is now; <paramref name="previous"/> holds what its changed fields were.</summary>
    public void Emit(string type, JsonObject json, JsonObject? previous = null)
    {
        var happened = Template.Of("event");
        happened["id"] = StripeId.New("evt");
        happened["api_version"] = StripeSettings.ApiVersion;
        happened["created"] = Now;
        happened["type"] = type;
        happened["data"] = new JsonObject { ["object"] = json.Copy() };
        if (previous is not null)
            happened["data"]!["previous_attributes"] = previous.Copy();
        happened["pending_webhooks"] = settings.WebhookUrl is null ? 0 : 1;
        happened["request"] = new JsonObject { ["id"] = Origin.RequestId, ["idempotency_key"] = Origin.IdempotencyKey };
        Events.Add(Add(happened));
    }
}
