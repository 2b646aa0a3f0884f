using HomeStage.Billing.Orders;
using HomeStage.Billing.Payments;
using HomeStage.Billing.Plans;
using HomeStage.Billing.Stripe;
using HomeStage.Billing.Webhooks;

namespace HomeStage.Billing.Tests.Payments;

/// <summary>
/// Every permutation of a payment's seven events, each event twice, through the rules that decide what they change, without a database
/// (<see cref="PermutationTests"/> has one). Stripe answers what is true at the latest event delivered, so answers change on the way;
/// beside each an older answer tries to be the last.
/// </summary>
public sealed class PermutationRulesTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);
    private static readonly Plan Value = new() { Id = "value", Name = "Value", Price = 2500, Currency = "usd", Credits = 20, DurationDays = 365 };

    [Theory]
    [InlineData(new[] { 0, 1, 2, 3, 4, 5, 6 }, 5040)]
    // A card: paid when the page is left, and nothing to be awaited.
    [InlineData(new[] { 0, 2, 3, 4, 5, 6 }, 720)]
    public void Every_permutation_ends_in_the_state_of_the_events_own_order(int[] events, int permutations)
    {
        var paidAtOnce = !events.Contains(1);
        var inOrder = EndOf(events, paidAtOnce);
        inOrder.ShouldBe($"ChargedBack {Noon.AddMinutes(paidAtOnce ? 0 : 1):t} 1000 1000 False pi_1, 1 payment, last told 2000 False");
        var ends = Permutations.Of(events).Select(permutation => EndOf(permutation, paidAtOnce)).ToList();
        ends.Count.ShouldBe(permutations);
        ends.ShouldAllBe(end => end == inOrder);
    }

    private static string EndOf(int[] events, bool paidAtOnce)
    {
        var order = Order.Place(Guid.CreateVersion7(), Value, Noon);
        var (reached, payments, told) = (0, 0, "");
        PaymentAnswer? older = null;
        foreach (var moment in events.SelectMany(moment => (int[])[moment, moment]))
        {
            reached = Math.Max(reached, moment);
            if (moment < 2)
            {
                var session = new CheckoutSession
                {
                    Id = "cs_1",
                    OrderId = order.Id,
                    PaymentIntentId = "pi_1",
                    AmountTotal = 2500,
                    Currency = "usd",
                    PaymentStatus = moment == 0 && !paidAtOnce ? "unpaid" : "paid",
                };
                if (CheckoutEvents.Apply(order, CheckoutEvents.Types[moment], session, Noon.AddMinutes(moment)).PaidPlan is null)
                    continue;
                payments++;
                told = Told(order);
                continue;
            }

            var answer = new PaymentAnswer(order.Id, order.Revision, [], AnswerAt(reached));
            if (PaymentEvents.Apply(order, answer)!.Adjusted)
                told = Told(order);
            if (older is not null)
                PaymentEvents.Apply(order, older).ShouldBeNull("an answer from before the last change is never applied");
            older = answer;
        }

        return $"{order.Status} {order.PaidAt:t} {order.AmountRefunded} {order.AmountLost} {order.DisputeOpen} {order.PaymentIntentId}, {payments} payment, last told {told}";
    }

    private static string Told(Order order) => $"{order.AmountReturned} {order.DisputeOpen}";

    private static Payment AnswerAt(int moment) => new(
        "pi_1",
        moment switch
        {
            < 2 => [],
            2 => [new(700, "usd", "pending")],
            3 => [new(700, "usd", "succeeded")],
            _ => [new(700, "usd", "succeeded"), new(300, "usd", "succeeded")],
        },
        moment switch
        {
            < 5 => [],
            5 => [new(1000, "usd", "needs_response")],
            _ => [new(1000, "usd", "lost")],
        },
        null);
}
