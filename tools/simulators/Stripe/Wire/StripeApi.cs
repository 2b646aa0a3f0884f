using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace HomeStage.Simulators.Stripe.Wire;

/// <summary>One API request: its parameters, the id in its path and the change that it makes.</summary>
internal sealed record StripeRequest(FormValue Params, string Id, StripeChange Change);

/// <summary>Maps routes of the API: key, version, idempotency, expansion and errors are the same for all of them.</summary>
internal static class StripeApi
{
    private const int LongestKey = 255;

    public static void Get(this IEndpointRouteBuilder app, string route, Func<StripeRequest, JsonObject> handle) =>
        app.MapGet(route, (HttpContext context, StripeState state) => Answer(context, state, FormValue.Parse(
            context.Request.Query.SelectMany(pair => pair.Value.Select(value => KeyValuePair.Create(pair.Key, value ?? "")))), handle));

    public static void Post(this IEndpointRouteBuilder app, string route, Func<StripeRequest, JsonObject> handle) =>
        app.MapPost(route, async (HttpContext context, StripeState state) =>
        {
            var form = await FormAsync(context);
            await Answer(context, state, FormValue.Parse(
                form.SelectMany(pair => pair.Value.Select(value => KeyValuePair.Create(pair.Key, value ?? "")))), handle, Fingerprint(context, form));
        }).DisableAntiforgery();

    private static async Task Answer(
        HttpContext context, StripeState state, FormValue parameters, Func<StripeRequest, JsonObject> handle, string? fingerprint = null)
    {
        var key = fingerprint is null ? null : IdempotencyKey(context);
        var requestId = context.Response.Headers["Request-Id"].ToString();
        var (status, body) = state.Change(new EventOrigin(requestId, key), change =>
        {
            if (key is not null && change.Find(SavedId(key)) is { } earlier)
                return Replay(context, earlier, fingerprint!, key);
            var request = new StripeRequest(parameters, context.GetRouteValue("id") as string ?? "", change);
            var result = Expansion.Apply(handle(request), parameters["expand"], change);
            if (key is not null)
                Save(change, context, key, fingerprint!, StatusCodes.Status200OK, result);
            return (StatusCodes.Status200OK, result);
        });
        await StripeErrors.WriteJson(context, status, body);
    }

    /// <summary>Keeps an error for whoever repeats the request with its idempotency key, where Stripe does.</summary>
    public static async Task SaveAsync(HttpContext context, StripeException error, JsonObject body)
    {
        if (!error.Saved || !HttpMethods.IsPost(context.Request.Method) || context.Request.Headers["Idempotency-Key"] is not [{ Length: > 0 and <= LongestKey } key, ..])
            return;
        var fingerprint = Fingerprint(context, await FormAsync(context));
        context.RequestServices.GetRequiredService<StripeState>().Change(EventOrigin.None, change =>
            change.Find(SavedId(key)) ?? Save(change, context, key, fingerprint, error.Status, body));
    }

    private static JsonObject Save(StripeChange change, HttpContext context, string key, string fingerprint, long status, JsonObject body) =>
        change.Add(new JsonObject
        {
            ["id"] = SavedId(key),
            ["object"] = "idempotency",
            ["fingerprint"] = fingerprint,
            ["request"] = context.Response.Headers["Request-Id"].ToString(),
            ["status"] = status,
            ["body"] = body.Copy(),
        });

    private static string SavedId(string key) => $"idempotency:{key}";

    private static (int Status, JsonObject Body) Replay(HttpContext context, JsonObject earlier, string fingerprint, string key)
    {
        if (earlier.Text("fingerprint") != fingerprint)
        {
            throw new StripeException(400,
                $"Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '{key}' if you meant to execute a different request.",
                type: "idempotency_error");
        }
        context.Response.Headers["Idempotent-Replayed"] = "true";
        context.Response.Headers["Original-Request"] = earlier.Text("request");
        return ((int)earlier.Number("status"), earlier["body"]!.AsObject());
    }

    private static string? IdempotencyKey(HttpContext context)
    {
        var key = context.Request.Headers["Idempotency-Key"].ToString();
        if (key.Length == 0)
            return null;
        if (key.Length > LongestKey)
            throw StripeException.Invalid("Idempotency-Key must be at most 255 characters.");
        context.Response.Headers["Idempotency-Key"] = key;
        return key;
    }

    private static async Task<IFormCollection> FormAsync(HttpContext context) =>
        context.Request.HasFormContentType ? await context.Request.ReadFormAsync(context.RequestAborted) : FormCollection.Empty;

    private static string Fingerprint(HttpContext context, IFormCollection form)
    {
        var text = new StringBuilder(context.Request.Path);
        foreach (var (name, values) in form.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            text.Append('\n').Append(name).Append('=').AppendJoin('\u001f', values.ToArray());
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
