using HomeStage.Billing.Orders;
using HomeStage.Hosting;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Idempotency;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace HomeStage.Billing.Checkout;

/// <summary>Buying a plan.</summary>
internal static class CheckoutExtensions
{
    private const int LargestBody = 16 * 1024;

    /// <summary>Maps <c>POST /api/v1/checkout</c>; reads <c>PUBLIC_URL</c>.</summary>
    internal static void AddCheckout(this ServiceBuilder service)
    {
        var url = service.Settings.Url("PUBLIC_URL", "the address that customers see, e.g. http://localhost:8080");
        service.Services.AddSingleton(new PublicUrl(url.AbsoluteUri.TrimEnd('/')));
        service.Services.AddTransient<CheckoutDesk>();
        service.Services.AddHostedService<IdempotencyKeyRetention>();
        service.Map(app => app.MapPost("/api/v1/checkout", CheckOutAsync)
            .RequireCaller("gateway")
            .AddEndpointFilter(OrdersExtensions.RefuseAnonymous)
            .WithMetadata(new RequestSizeLimitAttribute(LargestBody))
            .Describe(
                "Credits", "checkOut", "Buy a pack of credits",
                "Makes an order and answers with the address of Stripe's page where it is paid. The credits are there once Stripe says so, usually within seconds; `GET /api/v1/orders/{id}` tells.")
            .Takes<CheckoutForm>("application/json")
            .RequestExample("""{"plan":"value"}""")
            .AnswersHeader(201, "Location", "The order.")
            .TakesIdempotencyKey()
            .Refuses(
                ProblemCode.ValidationFailed, ProblemCode.Unauthenticated, ProblemCode.Forbidden, ProblemCode.PayloadTooLarge, ProblemCode.UnsupportedMediaType,
                ProblemCode.Unavailable));
    }

    private static async Task<Results<Created<CheckoutAnswer>, ProblemHttpResult>> CheckOutAsync(
        Caller caller, HttpRequest request, CheckoutDesk desk, CancellationToken cancellationToken)
    {
        if (caller.Kind is not (CallerKind.Visitor or CallerKind.Member))
            return Problem.Result(ProblemCode.Forbidden, "Buying needs a session; an API key cannot do it.");
        if (!request.HasJsonContentType())
            return Problem.Result(ProblemCode.UnsupportedMediaType, "Send application/json.");
        var key = IdempotencyKeyHeader.Read(request);
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, cancellationToken);
        return await desk.CheckOutAsync(caller.AccountId, key, body.ToArray(), cancellationToken);
    }
}
