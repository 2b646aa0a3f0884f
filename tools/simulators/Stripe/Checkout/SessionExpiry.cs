using HomeStage.Simulators.Stripe.Wire;

namespace HomeStage.Simulators.Stripe.Checkout;

/// <summary>Closes sessions whose time is over.</summary>
internal sealed class SessionExpiry(StripeState state, TimeProvider time) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), time);
        do
        {
            state.Change(EventOrigin.None, change =>
            {
                var over = change.Newest("checkout.session")
                    .Where(session => session.Text("status") == "open" && session.Number("expires_at") <= change.Now)
                    .Select(JsonAccess.Id)
                    .ToList();
                foreach (var id in over)
                    Sessions.Expire(id, change);
                return over.Count;
            });
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
