namespace HomeStage.Billing.Plans;

/// <summary>Something that can be bought. Orders keep a copy, so a change here touches no order that exists.</summary>
internal sealed record Plan
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>In the currency's minor unit.</summary>
    public required long Price { get; init; }

    /// <summary>ISO 4217 in lower case, as Stripe writes it.</summary>
    public required string Currency { get; init; }

    public required int Credits { get; init; }

    /// <summary>How long the credits are usable from the payment on.</summary>
    public required int DurationDays { get; init; }

    /// <summary>A price that is kept at Stripe; without it each checkout carries the price itself.</summary>
    public string? StripePriceId { get; init; }
}

/// <summary>The plans on sale, in the order of the configuration file.</summary>
internal sealed class PlanCatalog(IReadOnlyList<Plan> plans)
{
    public IReadOnlyList<Plan> Plans => plans;

    public Plan? Find(string id) => plans.FirstOrDefault(plan => plan.Id == id);
}
