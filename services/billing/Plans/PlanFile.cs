using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace HomeStage.Billing.Plans;

/// <summary>Reads the configuration file of plans and says what is wrong with it, all of it at once.</summary>
internal static partial class PlanFile
{
    /// <summary>Stripe takes at most eight digits.</summary>
    private const long HighestPrice = 99_999_999;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        AllowDuplicateProperties = false,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        NumberHandling = JsonNumberHandling.Strict,
    };

    /// <summary>The plans, and a sentence for each problem.</summary>
    internal static (PlanCatalog Catalog, IReadOnlyList<string> Problems) Parse(string text)
    {
        Content? content;
        try
        {
            content = JsonSerializer.Deserialize<Content>(text, Json);
        }
        catch (JsonException error)
        {
            return (new PlanCatalog([]), [$"the file is not JSON of the form {{\"plans\":[…]}}: {error.Message}"]);
        }

        var plans = content?.Plans ?? [];
        var problems = plans.SelectMany(ProblemsOf).ToList();
        if (plans.Count == 0)
            problems.Add("there must be one plan at least");
        problems.AddRange(plans.Where(plan => plan is not null).GroupBy(plan => plan.Id, StringComparer.Ordinal).Where(group => group.Count() > 1)
            .Select(group => $"the id '{group.Key}' is used {group.Count()} times"));
        return (new PlanCatalog(plans), problems);
    }

    private static IEnumerable<string> ProblemsOf(Plan? plan, int index)
    {
        if (plan is null)
            return [$"plan {index + 1} is null"];
        var name = $"plan '{plan.Id}'";
        return new (bool Wrong, string Problem)[]
        {
            (!Id().IsMatch(plan.Id), $"plan {index + 1} needs an id of lower-case letters, digits, '-' and '_', not '{plan.Id}'"),
            (plan.Name is not { Length: > 0 and <= 100 }, $"{name}: name must have 1 to 100 characters"),
            (plan.Price is < 1 or > HighestPrice, $"{name}: price must be 1 to {HighestPrice} minor units (900 is $9.00)"),
            (!Currencies.Contains(plan.Currency), $"{name}: currency must be a code that Stripe takes, in lower case such as 'usd', not '{plan.Currency}'"),
            (plan.Credits is < 1 or > 1_000_000, $"{name}: credits must be 1 to 1000000"),
            (plan.DurationDays is < 1 or > 3650, $"{name}: durationDays must be 1 to 3650"),
            (plan.StripePriceId is { } price && !PriceId().IsMatch(price), $"{name}: stripePriceId must begin with 'price_' and go on with letters and digits, not '{plan.StripePriceId}'"),
        }.Where(check => check.Wrong).Select(check => check.Problem);
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9_-]{0,39}$", RegexOptions.None, 1000)]
    private static partial Regex Id();

    [GeneratedRegex("^price_[A-Za-z0-9]{1,200}$", RegexOptions.None, 1000)]
    private static partial Regex PriceId();

    private sealed record Content
    {
        public required IReadOnlyList<Plan> Plans { get; init; }
    }
}
