using System.Diagnostics.Metrics;
using System.Security.Claims;
using System.Text.Encodings.Web;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace HomeStage.Entitlements.Support;

/// <summary>Admits the people of <see cref="SupportOperators"/> by <c>Authorization: Bearer …</c>, and counts and logs whom it does not admit.</summary>
internal sealed partial class SupportAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, SupportOperators operators, SupportMetrics metrics)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    internal const string SchemeName = "Support";

    private const string NoToken = "no_token";
    private const string UnknownToken = "unknown_token";
    private const string WrongRole = "role";

    /// <summary>Why requests are refused, in words for metrics.</summary>
    internal static readonly IReadOnlyList<string> Reasons = [NoToken, UnknownToken, WrongRole];

    /// <summary>Whoever may read.</summary>
    internal static readonly AuthorizationPolicy MayRead =
        new AuthorizationPolicyBuilder(SchemeName).RequireRole(SupportOperators.Read, SupportOperators.Act).Build();

    /// <summary>Whoever may change something.</summary>
    internal static readonly AuthorizationPolicy MayAct = new AuthorizationPolicyBuilder(SchemeName).RequireRole(SupportOperators.Act).Build();

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        const string prefix = "Bearer ";
        var header = Request.Headers.Authorization.ToString();
        if (!header.StartsWith(prefix, StringComparison.Ordinal))
            return Task.FromResult(AuthenticateResult.NoResult());
        if (operators.Find(header[prefix.Length..].Trim()) is not { } found)
            return Task.FromResult(AuthenticateResult.Fail("unknown token"));
        var identity = new ClaimsIdentity(
            [new(ClaimTypes.Name, found.Name), new(ClaimTypes.Role, found.Role)], SchemeName, ClaimTypes.Name, ClaimTypes.Role);
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), SchemeName)));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        var reason = Request.Headers.Authorization.Count == 0 ? NoToken : UnknownToken;
        metrics.Refused(reason);
        Log.Refused(Logger, reason, Request.Path);
        Response.Headers.WWWAuthenticate = "Bearer";
        return Problem.Result(ProblemCode.Unauthenticated, "Send the token of a support person.").ExecuteAsync(Context);
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        metrics.Refused(WrongRole);
        Log.Forbidden(Logger, Context.User.Identity?.Name, Request.Path);
        return Problem.Result(ProblemCode.Forbidden, "Your role may read, but not act.").ExecuteAsync(Context);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Somebody unknown was refused at {Path}: {Reason}", EventName = "support_unauthenticated")]
        public static partial void Refused(ILogger logger, string reason, string path);

        [LoggerMessage(2, LogLevel.Warning, "{Actor} may not act, and was refused at {Path}", EventName = "support_forbidden")]
        public static partial void Forbidden(ILogger logger, string? actor, string path);
    }
}

/// <summary>Who was refused, and what was done, at the support API.</summary>
internal sealed class SupportMetrics
{
    private readonly Counter<long> _refused;
    private readonly Counter<long> _actions;

    public SupportMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("HomeStage.Entitlements");
        _refused = meter.CreateCounter<long>("homestage.support.refused", "{request}", "Requests to the support API that were refused, by `reason`.");
        _actions = meter.CreateCounter<long>("homestage.support.actions", "{action}", "What support people did, by `action`.");
        foreach (var reason in SupportAuthentication.Reasons)
            Refused(reason, count: 0);
    }

    internal void Refused(string reason, int count = 1) => _refused.Add(count, new KeyValuePair<string, object?>("reason", reason));

    internal void Acted(string action) => _actions.Add(1, new KeyValuePair<string, object?>("action", action));
}
