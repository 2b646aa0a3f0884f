using System.Text.Json;

namespace HomeStage.Billing.Checkout;

/// <summary>What is bought. No other field is taken, in particular no price.</summary>
/// <param name="Plan">An id of <c>GET /api/v1/plans</c>.</param>
internal sealed record CheckoutForm(string Plan);

/// <summary>The body of <c>POST /api/v1/checkout</c>: <c>{"plan":"value"}</c> and nothing else; in particular no price.</summary>
internal static class CheckoutRequest
{
    /// <summary>The plan's id, or what is wrong by field.</summary>
    internal static (string? Plan, Dictionary<string, string[]> Errors) Parse(ReadOnlyMemory<byte> body)
    {
        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        string? plan = null;
        try
        {
            using var document = JsonDocument.Parse(body, new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                return (null, One("body", "Send a JSON object such as {\"plan\":\"value\"}."));
            foreach (var member in document.RootElement.EnumerateObject())
            {
                if (member.Name != "plan")
                    errors[member.Name] = ["There is no such field."];
                else if (member.Value.ValueKind == JsonValueKind.String)
                    plan = member.Value.GetString();
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return (null, One("body", "Send valid JSON such as {\"plan\":\"value\"}."));
        }

        if (string.IsNullOrEmpty(plan))
            errors["plan"] = ["Name the plan: an id of GET /api/v1/plans."];
        return (plan, errors);
    }

    private static Dictionary<string, string[]> One(string field, string reason) => new(StringComparer.Ordinal) { [field] = [reason] };
}
