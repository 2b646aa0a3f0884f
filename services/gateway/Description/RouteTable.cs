using Microsoft.AspNetCore.Routing.Template;
using Yarp.ReverseProxy.Configuration;

namespace HomeStage.Gateway.Description;

/// <summary>The routes to the services, as they are chosen for a request: by method, and the most exact path first.</summary>
internal sealed class RouteTable(IEnumerable<RouteConfig> routes)
{
    private readonly List<(RouteConfig Route, RouteTemplate Template)> _routes =
    [
        .. routes.Select(route => (route, TemplateParser.Parse(route.Match.Path!.TrimStart('/')))).OrderBy(row => RoutePrecedence.ComputeInbound(row.Item2)),
    ];

    /// <summary>The route of an operation; null if the gateway answers it itself.</summary>
    /// <param name="method">An HTTP method.</param>
    /// <param name="path">A path of the document, with its parameters in braces.</param>
    internal RouteConfig? Find(string method, string path)
    {
        // Any value will do: no route of ours looks at it.
        var sample = string.Join('/', path.Split('/').Select(part => part.StartsWith('{') ? "1" : part));
        return _routes.Find(row =>
            (row.Route.Match.Methods is null || row.Route.Match.Methods.Contains(method, StringComparer.OrdinalIgnoreCase))
            && new TemplateMatcher(row.Template, []).TryMatch(sample, [])).Route;
    }
}
