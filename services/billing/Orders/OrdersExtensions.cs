using System.Text.Json.Serialization;
using HomeStage.Billing.Reconciliation;
using HomeStage.Hosting;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Paging;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Billing.Orders;

/// <summary>An account's own orders. The owner is part of every query: another's order is as unknown as one that never was.</summary>
internal static class OrdersExtensions
{
    /// <summary>Maps <c>GET /api/v1/orders</c>, <c>GET /api/v1/orders/{id}</c> and <c>…/receipt</c>; reads <c>RESTORE_CODE_KEY</c>.</summary>
    internal static void AddOrders(this ServiceBuilder service)
    {
        var key = service.Settings.Secret("RESTORE_CODE_KEY", "the secret that restore codes are derived from; whoever changes it makes the codes that customers hold useless");
        service.Services.AddSingleton(new RestoreCodes(key));
        service.Services.AddTransient<ReceiptDesk>();
        service.Map(app =>
        {
            var orders = app.MapGroup("/api/v1/orders").RequireCaller("gateway").AddEndpointFilter(RefuseAnonymous);
            orders.MapGet("", ListAsync).Describe("Credits", "listOrders", "The account's orders, the newest first").Paged().Refuses(ProblemCode.Unauthenticated);
            orders.MapGet("{id:guid}", GetAsync)
                .Describe(
                    "Credits", "getOrder", "An order",
                    "A pending order that is older than ten seconds is checked against Stripe first. The visitor who paid it is also told its restore code.")
                .Explains("id", "The order.")
                .Example(200, """
                    {"id":"019aac0f-8f0e-7c51-9a43-5b1e4f0d2c11","plan":"value","credits":20,"durationDays":365,"amount":2500,"currency":"usd","status":"paid",
                     "createdAt":"2026-03-02T10:15:00Z","paidAt":"2026-03-02T10:16:21Z","expiresAt":null,
                     "urls":{"self":"/api/v1/orders/019aac0f-8f0e-7c51-9a43-5b1e4f0d2c11","checkout":null,"receipt":"/api/v1/orders/019aac0f-8f0e-7c51-9a43-5b1e4f0d2c11/receipt"}}
                    """)
                .Refuses(ProblemCode.Unauthenticated, ProblemCode.NotFound);
            orders.MapGet("{id:guid}/receipt", GetReceiptAsync)
                .Describe(
                    "Credits", "getReceipt", "Where Stripe shows the receipt of a paid order",
                    "The address is asked for at Stripe each time, because it expires. An order that nobody has paid, or that cost nothing, has no receipt.")
                .Explains("id", "The order.")
                .Example(200, """{"url":"https://pay.stripe.com/receipts/payment/CAcQARoXChVhY2N0XzE"}""")
                .Refuses(ProblemCode.Unauthenticated, ProblemCode.NotFound, ReceiptDesk.NoReceipt, ProblemCode.Unavailable);
        });
    }

    /// <summary>401 where no account is known.</summary>
    internal static async ValueTask<object?> RefuseAnonymous(EndpointFilterInvocationContext context, EndpointFilterDelegate next) =>
        context.Arguments.OfType<Caller>().Single().Kind is CallerKind.Anonymous or CallerKind.Service
            ? Problem.Result(ProblemCode.Unauthenticated, "Get a session with GET /api/v1/session first.")
            : await next(context);

    private static async Task<Ok<Page<OrderAnswer>>> ListAsync(
        Caller caller, int? limit, string? cursor, IDbContextFactory<BillingDb> databases, CancellationToken cancellationToken)
    {
        var size = PageRequest.Limit(limit);
        var after = PageRequest.PositionAsId(cursor);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var owners = await db.OwnersAsync(caller.AccountId, cancellationToken);
        var own = db.Orders.AsNoTracking().Where(order => owners.Contains(order.AccountId));
        if (after is { } last)
            own = own.Where(order => order.Id.CompareTo(last) < 0);
        var rows = await own.OrderByDescending(order => order.Id).Take(size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(PageRequest.Page(rows, size, order => order.Id, order => OrderAnswer.Of(order)));
    }

    private static async Task<Results<Ok<OrderAnswer>, ProblemHttpResult>> GetAsync(
        Caller caller, Guid id, IDbContextFactory<BillingDb> databases, PendingOrders pending, RestoreCodes codes, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var owners = await db.OwnersAsync(caller.AccountId, cancellationToken);
        var own = db.Orders.AsNoTracking().Where(order => order.Id == id && owners.Contains(order.AccountId));
        var order = await own.SingleOrDefaultAsync(cancellationToken);
        if (order is not null && await pending.AskAboutAsync(order, cancellationToken))
            order = await own.SingleOrDefaultAsync(cancellationToken);
        if (order is null)
            return Problem.Result(ProblemCode.NotFound);
        // A member gets its account back by signing in.
        var code = caller.Kind == CallerKind.Visitor && order.PaidAt is not null ? codes.Shown(order.Id) : null;
        return TypedResults.Ok(OrderAnswer.Of(order, code));
    }

    private static Task<Results<Ok<ReceiptPageAnswer>, ProblemHttpResult>> GetReceiptAsync(Caller caller, Guid id, ReceiptDesk desk, CancellationToken cancellationToken) =>
        desk.FindAsync(caller.AccountId, id, cancellationToken);
}

/// <summary>An order as its owner sees it.</summary>
/// <param name="Id">The order.</param>
/// <param name="Plan">The id of the plan that was bought.</param>
/// <param name="Credits">Credits bought.</param>
/// <param name="DurationDays">How long they are usable from the payment on.</param>
/// <param name="Amount">The price in the currency's minor unit.</param>
/// <param name="Currency">ISO 4217 in lower case.</param>
/// <param name="Status">What became of it.</param>
/// <param name="CreatedAt">When it was placed.</param>
/// <param name="PaidAt">When it was paid.</param>
/// <param name="ExpiresAt">Until when a pending order can be paid.</param>
/// <param name="RestoreCode">Opens a visitor's account on another device; only for the visitor who paid, and only where one order is asked for.</param>
/// <param name="Urls">What can be done next.</param>
internal sealed record OrderAnswer(
    Guid Id,
    string Plan,
    int Credits,
    int DurationDays,
    long Amount,
    string Currency,
    OrderStatus Status,
    DateTimeOffset CreatedAt,
    DateTimeOffset? PaidAt,
    DateTimeOffset? ExpiresAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? RestoreCode,
    OrderUrls Urls)
{
    internal static OrderAnswer Of(Order order, string? restoreCode = null)
    {
        var payable = order.Status == OrderStatus.Pending;
        return new(
            order.Id,
            order.Plan,
            order.Credits,
            order.DurationDays,
            order.Amount,
            order.Currency,
            order.Status,
            order.CreatedAt,
            order.PaidAt,
            payable ? order.SessionExpiresAt : null,
            restoreCode,
            new(
                $"/api/v1/orders/{order.Id}",
                payable ? order.SessionUrl : null,
                order.PaidAt is not null && order.PaymentIntentId is not null ? $"/api/v1/orders/{order.Id}/receipt" : null));
    }
}

/// <summary>Addresses of an order.</summary>
/// <param name="Self">This order.</param>
/// <param name="Checkout">Where a pending order is paid.</param>
/// <param name="Receipt">Tells where Stripe shows the receipt of a paid order.</param>
internal sealed record OrderUrls(string Self, string? Checkout, string? Receipt);
