using System.Collections.Concurrent;
using HomeStage.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace HomeStage.Entitlements.Tests;

/// <summary>Billing's support routes with orders that a test puts there. It answers 401 to whoever has no token, and 503 while it is away.</summary>
internal sealed class TestBilling : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestBilling(WebApplication app, string url) => (_app, Url) = (app, url);

    internal string Url { get; }

    internal bool Away { get; set; }

    internal ConcurrentDictionary<Guid, OrderExplanation> Orders { get; } = new();

    /// <summary>Orders by what somebody may ask for, e.g. <c>email=a@b.test</c>.</summary>
    internal ConcurrentDictionary<string, Guid> Known { get; } = new(StringComparer.Ordinal);

    /// <summary>What was asked for by POST.</summary>
    internal ConcurrentQueue<string> Commands { get; } = new();

    internal static async Task<TestBilling> StartAsync()
    {
        var url = $"http://127.0.0.1:{HomeStage.Tool.Servers.FreePorts.Next()}";
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(url);
        var app = builder.Build();
        var billing = new TestBilling(app, url);
        app.Use(async (context, next) =>
        {
            if (billing.Away)
                context.Response.StatusCode = 503;
            else if (!context.Request.Headers.Authorization.ToString().StartsWith("Bearer ey", StringComparison.Ordinal))
                context.Response.StatusCode = 401;
            else
                await next(context);
        });
        app.MapGet("/internal/support/orders", (HttpRequest request) => billing.Find(request.Query.Single().Key, request.Query.Single().Value.ToString()));
        app.MapGet("/internal/support/orders/{id:guid}/explanation", (Guid id) => billing.Explain(id));
        app.MapPost("/internal/support/orders/{id:guid}/check", (Guid id) =>
        {
            billing.Commands.Enqueue($"check {id}");
            return billing.Explain(id);
        });
        app.MapPost("/internal/support/reconcile", () =>
        {
            billing.Commands.Enqueue("reconcile");
            return new ReconciliationReport { Ran = true, Listed = 7, New = 2 };
        });
        await app.StartAsync();
        return billing;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    /// <summary>Puts an order there.</summary>
    internal OrderExplanation Add(Guid order, Guid account, DateTimeOffset at, bool paid = true, params IReadOnlyList<OrderStep> steps) =>
        Orders[order] = new OrderExplanation
        {
            Order = new SupportOrder
            {
                OrderId = order,
                AccountId = account,
                Plan = "value",
                Credits = 20,
                ValidForDays = 365,
                Amount = 2500,
                Currency = "usd",
                Status = paid ? "paid" : "pending",
                CreatedAt = at,
                PaidAt = paid ? at : null,
                AmountReturned = 0,
                DisputeOpen = false,
                FraudWarning = false,
                Revision = 1,
            },
            Steps = steps,
        };

    private IResult Explain(Guid order) => Orders.TryGetValue(order, out var known) ? Results.Ok(known) : Results.NotFound();

    private List<SupportOrder> Find(string by, string value) => by switch
    {
        "orderId" => [.. Orders.Values.Select(known => known.Order).Where(order => order.OrderId == Guid.Parse(value))],
        "accountId" => [.. Orders.Values.Select(known => known.Order).Where(order => order.AccountId == Guid.Parse(value))],
        _ => Known.TryGetValue($"{by}={value}", out var order) ? [Orders[order].Order] : [],
    };
}
