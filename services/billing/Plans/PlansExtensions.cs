using HomeStage.Hosting;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Paging;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HomeStage.Billing.Plans;

/// <summary>What is on sale.</summary>
internal static class PlansExtensions
{
    /// <summary>Reads the plans from <c>PLANS_FILE</c>, or from <c>plans.json</c> beside the program, and maps <c>GET /api/v1/plans</c>.</summary>
    internal static void AddPlans(this ServiceBuilder service)
    {
        var text = service.Settings.Optional("PLANS") ?? File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "plans.json"));
        var (catalog, problems) = PlanFile.Parse(text);
        if (problems.Count > 0)
            service.Settings.Refuse("PLANS_FILE", "cannot be used: " + string.Join("; ", problems));
        service.Services.AddSingleton(catalog);
        service.Map(app => app.MapGet("/api/v1/plans", List).RequireCaller("gateway")
            .Describe("Credits", "listPlans", "The packs of credits on sale")
            .Example(200, """
                {"items":[{"id":"value","name":"Value","price":2500,"currency":"usd","credits":20,"durationDays":365}],"nextCursor":null}
                """));
    }

    private static Ok<Page<PlanAnswer>> List(PlanCatalog catalog) =>
        TypedResults.Ok(new Page<PlanAnswer>(
            [.. catalog.Plans.Select(plan => new PlanAnswer(plan.Id, plan.Name, plan.Price, plan.Currency, plan.Credits, plan.DurationDays))], NextCursor: null));

    /// <summary>A pack of credits.</summary>
    /// <param name="Id">For <c>plan</c> of a checkout.</param>
    /// <param name="Name">For people.</param>
    /// <param name="Price">In the currency's minor unit.</param>
    /// <param name="Currency">ISO 4217 in lower case.</param>
    /// <param name="Credits">Credits in it.</param>
    /// <param name="DurationDays">How long they are usable from the payment on.</param>
    private sealed record PlanAnswer(string Id, string Name, long Price, string Currency, int Credits, int DurationDays);
}
