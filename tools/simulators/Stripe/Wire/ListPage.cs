using System.Text.Json.Nodes;

namespace HomeStage.Simulators.Stripe.Wire;

/// <summary>Stripe's lists: newest first, <c>limit</c>, <c>starting_after</c>, <c>ending_before</c>, <c>created[gte]</c>.</summary>
internal static class ListPage
{
    private static readonly string[] Paging = ["limit", "starting_after", "ending_before", "created", "expand"];

    public static JsonObject Of(StripeRequest request, string url, string kind, Func<JsonObject, bool> wanted, params ReadOnlySpan<string> filters)
    {
        var parameters = request.Params;
        parameters.AllowOnly([.. Paging, .. filters]);
        var limit = (int)(parameters.Integer("limit") ?? 10);
        if (limit is < 1 or > 100)
            throw StripeException.Invalid($"Invalid limit: must be between 1 and 100, but was {limit}.", "limit");
        var newest = request.Change.Newest(kind).ToList();
        var (after, before) = (parameters.Optional("starting_after"), parameters.Optional("ending_before"));
        if (after is not null && before is not null)
            throw StripeException.Invalid("You cannot use both starting_after and ending_before.");
        if (after is not null)
            newest = newest[(IndexOf(newest, after, kind, "starting_after") + 1)..];
        if (before is not null)
            newest = newest[..IndexOf(newest, before, kind, "ending_before")];
        var created = Created(parameters["created"]);
        var matching = newest.Where(json => created(json.Number("created")) && wanted(json));
        var page = before is null ? matching.Take(limit + 1).ToList() : [.. matching.TakeLast(limit + 1)];
        var more = page.Count > limit;
        if (more)
            page.RemoveAt(before is null ? limit : 0);
        return List(url, page, more);
    }

    public static JsonObject Whole(string url, IEnumerable<JsonObject> items) => List(url, items, more: false);

    private static JsonObject List(string url, IEnumerable<JsonObject> items, bool more) => new()
    {
        ["object"] = "list",
        ["data"] = new JsonArray([.. items.Select(item => item.DeepClone())]),
        ["has_more"] = more,
        ["url"] = url,
    };

    private static int IndexOf(List<JsonObject> newest, string id, string kind, string param)
    {
        var index = newest.FindIndex(json => json.Id() == id);
        return index >= 0 ? index : throw new StripeException(400, $"No such {kind}: '{id}'", param, "resource_missing");
    }

    private static Func<long, bool> Created(FormValue? filter)
    {
        if (filter is null)
            return _ => true;
        filter.AllowOnly("gt", "gte", "lt", "lte");
        var exact = long.TryParse(filter.Text, out var at) ? at : (long?)null;
        var (gt, gte, lt, lte) = (filter.Integer("gt"), filter.Integer("gte"), filter.Integer("lt"), filter.Integer("lte"));
        return moment => (exact is null || moment == exact) && (gt is null || moment > gt) && (gte is null || moment >= gte) && (lt is null || moment < lt) && (lte is null || moment <= lte);
    }
}
