using System.Text.Json;
using System.Text.Json.Serialization;

namespace HomeStage.Simulators.Stripe.Webhooks;

[JsonConverter(typeof(JsonStringEnumConverter<DeliveryState>))]
internal enum DeliveryState
{
    Waiting,
    Delivered,
    Dropped,
    GivenUp,
}

internal sealed record DeliveryAttempt(DateTimeOffset At, int? Status, string? Error, string? Fault);

/// <summary>What became of one event, as <c>/control/webhooks</c> shows it.</summary>
internal sealed record Delivery(string Event, string Type, DeliveryState State, IReadOnlyList<DeliveryAttempt> Attempts);

/// <summary>All deliveries since the start.</summary>
internal sealed class DeliveryLog
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Delivery> _deliveries = [];

    public void Expect(string id, string type)
    {
        lock (_gate)
            _deliveries.TryAdd(id, new Delivery(id, type, DeliveryState.Waiting, []));
    }

    public void Attempted(string id, DeliveryAttempt attempt)
    {
        lock (_gate)
            _deliveries[id] = _deliveries[id] with { Attempts = [.. _deliveries[id].Attempts, attempt] };
    }

    public void Ended(string id, DeliveryState state)
    {
        lock (_gate)
            _deliveries[id] = _deliveries[id] with { State = state };
    }

    public IResult Show()
    {
        lock (_gate)
        {
            return Results.Json(new
            {
                waiting = _deliveries.Values.Count(delivery => delivery.State == DeliveryState.Waiting),
                deliveries = _deliveries.Values.ToList(),
            }, JsonSerializerOptions.Web);
        }
    }
}
