namespace HomeStage.Billing.Tests.Payments;

/// <summary>Orders in which things can happen.</summary>
internal static class Permutations
{
    /// <summary>Every order of the items, the given one first.</summary>
    internal static IEnumerable<int[]> Of(int[] items) => items.Length == 0
        ? [[]]
        : items.SelectMany((item, index) => Of([.. items.Where((_, other) => other != index)]).Select(rest => (int[])[item, .. rest]));
}
