using System.Diagnostics;
using System.Net.Http.Headers;
using HomeStage.Gateway.Challenges;
using HomeStage.Gateway.Identity;
using HomeStage.Hosting.Identity;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace HomeStage.Gateway.Proxy;

/// <summary>
/// What crosses to an upstream and back. Nothing that a client says about who or where it is gets through; the internal token alone does.
/// Cookies stay here in both directions.
/// </summary>
internal sealed class UpstreamTransforms(InternalTokens tokens, IHostApplicationLifetime lifetime) : ITransformProvider
{
    private static readonly string[] Prefixes = ["X-Forwarded-", "X-HomeStage-", "X-Original-", "X-Real-"];

    public void Apply(TransformBuilderContext context)
    {
        var audience = context.Cluster!.Audience();
        context.UseDefaultForwarders = false;
        context.AddRequestTransform(transform =>
        {
            var headers = transform.ProxyRequest.Headers;
            Strip(headers);
            if (Activity.Current?.Id is { } trace)
                headers.TryAddWithoutValidation(HeaderNames.TraceParent, trace);
            var caller = transform.HttpContext.Features.GetRequiredFeature<Caller>();
            headers.Authorization = new AuthenticationHeaderValue("Bearer", tokens.For(audience, caller));
            return ValueTask.CompletedTask;
        });
        var isStream = context.Route.IsStream();
        context.AddResponseTransform(async transform =>
        {
            // The headers are merged by now: what is ours to set stays.
            if (transform.ProxyResponse?.Headers.TryGetValues(HeaderNames.SetCookie, out var theirs) is true)
                transform.HttpContext.Response.Headers.SetCookie = transform.HttpContext.Response.Headers.SetCookie.Except(theirs).ToArray();
            if (isStream && transform.ProxyResponse is { IsSuccessStatusCode: true } answer)
                answer.Content = new StreamContent(new EndingStream(await answer.Content.ReadAsStreamAsync(), lifetime.ApplicationStopping));
        });
    }

    public void ValidateRoute(TransformRouteValidationContext context)
    {
        try
        {
            _ = context.Route.Timeout();
        }
        catch (Exception error) when (error is FormatException or OverflowException)
        {
            context.Errors.Add(new InvalidOperationException($"The Timeout in the metadata of the route '{context.Route.RouteId}' is not a time such as 00:01:00.", error));
        }
    }

    public void ValidateCluster(TransformClusterValidationContext context)
    {
        if (context.Cluster.Metadata?.ContainsKey("Audience") is not true)
            context.Errors.Add(new InvalidOperationException($"The cluster '{context.Cluster.ClusterId}' has no Audience in its metadata."));
    }

    private static void Strip(HttpRequestHeaders headers)
    {
        headers.Remove(HeaderNames.Authorization);
        headers.Remove(HeaderNames.ProxyAuthorization);
        headers.Remove(HeaderNames.Cookie);
        headers.Remove("Forwarded");
        headers.Remove(Challenge.Header);
        List<string>? more = null;
        foreach (var (name, _) in headers.NonValidated)
        {
            if (IsOfProxies(name))
                (more ??= []).Add(name);
        }

        more?.ForEach(name => headers.Remove(name));
    }

    private static bool IsOfProxies(string name)
    {
        foreach (var prefix in Prefixes)
        {
            if (name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
                return true;
        }

        return false;
    }
}
