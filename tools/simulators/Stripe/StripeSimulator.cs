using System.Security.Cryptography;
using System.Text;
using HomeStage.Simulators.Faults;
using HomeStage.Simulators.Stripe.Checkout;
using HomeStage.Simulators.Stripe.Payments;
using HomeStage.Simulators.Stripe.Webhooks;
using HomeStage.Simulators.Stripe.Wire;

namespace HomeStage.Simulators.Stripe;

/// <summary>Stripe's payments on loopback: API, hosted checkout page and webhooks.</summary>
internal static class StripeSimulator
{
    public static WebApplication Build(StripeSettings settings)
    {
        var builder = SimulatorHost.CreateBuilder(settings.Url, StripeErrors.WriteFault);
        builder.Services.AddSingleton(settings).AddSingleton<StripeState>().AddSingleton<DeliveryLog>().AddSingleton<WebhookSender>();
        builder.Services.AddHttpClient(nameof(WebhookSender), client => client.Timeout = settings.WebhookTimeout)
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false })
            .RemoveAllLoggers();
        builder.Services.AddHostedService(services => services.GetRequiredService<WebhookSender>());
        builder.Services.AddHostedService<SessionExpiry>();
        var app = builder.Build();
        app.UseRouting();
        app.Use(Identify);
        app.Use(AnswerErrors);
        app.UseMiddleware<FaultMiddleware>();
        app.Use(Authenticate);
        app.UseEndpoints(_ => { });
        app.MapControl();
        app.MapStripeControl();
        app.MapSessions();
        app.MapPrices();
        app.MapPayments();
        app.MapReceipts();
        app.MapRefunds();
        app.MapDisputes();
        app.MapEarlyFraudWarnings();
        app.MapEvents();
        app.MapCheckoutPage();
        app.MapFallback(context => throw new StripeException(
            404, $"Unrecognized request URL ({context.Request.Method}: {context.Request.Path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/."));
        return app;
    }

    private static Task Identify(HttpContext context, RequestDelegate next)
    {
        if (context.Request.Path.StartsWithSegments("/v1", StringComparison.Ordinal))
        {
            var headers = context.Response.Headers;
            headers["Request-Id"] = StripeId.Request();
            headers["Stripe-Version"] = context.Request.Headers["Stripe-Version"] is [{ Length: > 0 } version, ..] ? version : StripeSettings.ApiVersion;
        }
        return next(context);
    }

    private static async Task AnswerErrors(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (StripeException error) when (!context.Response.HasStarted)
        {
            await StripeErrors.Write(context, error);
        }
        catch (BadHttpRequestException malformed) when (!context.Response.HasStarted)
        {
            await StripeErrors.Write(context, StripeException.Invalid(malformed.Message));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            context.Abort();
        }
    }

    private static Task Authenticate(HttpContext context, RequestDelegate next)
    {
        if (!context.Request.Path.StartsWithSegments("/v1", StringComparison.Ordinal))
            return next(context);
        var key = Key(context.Request.Headers.Authorization.ToString());
        if (key.Length == 0)
        {
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"Stripe\"";
            throw new StripeException(401,
                "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/.");
        }
        var expected = context.RequestServices.GetRequiredService<StripeSettings>().SecretKey;
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(expected)))
            throw new StripeException(401, $"Invalid API Key provided: {Mask(key)}");
        return next(context);
    }

    /// <summary>Bearer, or Basic with the key as the user name.</summary>
    private static string Key(string header)
    {
        if (header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
            return header[7..].Trim();
        if (!header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase))
            return "";
        var decoded = new byte[header.Length];
        return Convert.TryFromBase64String(header[6..].Trim(), decoded, out var length) ? Encoding.UTF8.GetString(decoded, 0, length).Split(':')[0] : "";
    }

    private static string Mask(string key) => key.Length < 12 ? "********" : $"{key[..8]}{new string('*', key.Length - 12)}{key[^4..]}";
}
