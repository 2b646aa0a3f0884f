using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace HomeStage.Tool.Support;

/// <summary>The support API's answers for people.</summary>
internal static class SupportTables
{
    public static void Accounts(JsonNode answer, IAnsiConsole console)
    {
        foreach (var account in answer["accounts"]!.AsArray().OfType<JsonObject>())
        {
            console.WriteLine($"Account {account["id"]}, {((bool)account["signsIn"]! ? "a member's" : "a visitor's")}, since {When(account["createdAt"])}{((bool)account["frozen"]! ? ", FROZEN" : "")}");
            if (account["aliases"]!.AsArray() is { Count: > 0 } aliases)
                console.WriteLine($"Merged into it: {string.Join(", ", aliases)}");
            console.WriteLine($"{account["available"]} credits available, {account["held"]} held, {account["frozenCredits"]} frozen");
            Print(console, "Grants", account["grants"], ("grant", "id"), ("source", "source"), ("plan", "plan"), ("status", "status"), ("credits", "credits"),
                ("left", "remaining"), ("held", "held"), ("used", "captured"), ("expired", "expired"), ("refunded", "revokedByPayment"), ("revoked", "revokedBySupport"), ("ends", "expiresAt"));
            Print(console, "Open holds", account["openHolds"], ("job", "jobId"), ("credits", "credits"), ("free", "free"), ("since", "takenAt"));
            Print(console, "Newest entries", account["entries"], ("when (UTC)", "at"), ("what", "description"), ("credits", "amount"), ("balance", "balanceAfter"), ("by", "actor"), ("why", "reason"), ("job", "jobId"));
            if (account["orders"] is null)
                console.WriteLine("Billing does not answer; orders are not shown.");
            else
                Print(console, "Orders", account["orders"], ("order", "orderId"), ("plan", "plan"), ("amount", "amount"), ("", "currency"), ("status", "status"), ("placed", "createdAt"), ("paid", "paidAt"));
        }
    }

    public static void Order(JsonNode answer, IAnsiConsole console)
    {
        var order = answer["order"]!;
        console.WriteLine($"Order {order["orderId"]} of account {order["accountId"]}: {order["status"]}");
        console.WriteLine($"Plan {order["plan"]}, {order["credits"]} credits for {order["validForDays"]} days, {order["amount"]} {order["currency"]} (minor units), {order["amountReturned"]} returned"
            + ((bool)order["disputeOpen"]! ? ", a dispute is open" : "") + ((bool)order["fraudWarning"]! ? ", with a fraud warning" : ""));
        Print(console, "Steps", answer["steps"], ("when (UTC)", "at"), ("what", "what"), ("what came of it", "detail"), ("reference", "reference"));
        if (answer["advice"] is { } advice)
            console.WriteLine($"Next: {advice}");
    }

    public static void Grant(JsonNode answer, IAnsiConsole console) => Print(console, "Grant", new JsonArray(answer.DeepClone()),
        ("grant", "id"), ("status", "status"), ("credits", "credits"), ("adjusted", "adjusted"), ("left", "remaining"), ("held", "held"), ("used", "captured"), ("expired", "expired"),
        ("refunded", "revokedByPayment"), ("revoked", "revokedBySupport"), ("ends", "expiresAt"));

    public static void Violations(JsonNode answer, IAnsiConsole console)
    {
        if (answer["violations"]!.AsArray().Count == 0)
            console.WriteLine("Every rule of the ledger holds.");
        else
            Print(console, "Broken rules", answer["violations"], ("rule", "rule"), ("subject", "subject"), ("found", "found"));
    }

    public static void History(JsonNode answer, IAnsiConsole console) => Print(console, "History", answer["items"],
        ("when (UTC)", "at"), ("who", "actor"), ("did", "action"), ("to", "subject"), ("why", "reason"), ("with", "arguments"));

    public static void Blocks(JsonNode answer, IAnsiConsole console) => Print(console, "Blocks", answer["blocks"],
        ("address hash", "addressHash"), ("until", "until"), ("why", "reason"), ("by", "blockedBy"), ("since", "blockedAt"));

    public static void DeadLetters(JsonNode answer, IAnsiConsole console) => Print(console, "Dead letters", answer["queues"], ("queue", "queue"), ("messages", "messages"));

    /// <summary>An answer of few plain fields, one a line.</summary>
    public static void Fields(JsonNode answer, IAnsiConsole console)
    {
        foreach (var (name, value) in answer.AsObject())
            console.WriteLine($"{name}: {Text(value)}");
    }

    private static void Print(IAnsiConsole console, string title, JsonNode? rows, params (string Title, string Field)[] columns)
    {
        if (rows is not JsonArray { Count: > 0 } items)
        {
            console.WriteLine($"{title}: none.");
            return;
        }

        var table = new Table().Border(TableBorder.Rounded).Title(Markup.Escape(title));
        foreach (var column in columns)
            table.AddColumn(Markup.Escape(column.Title));
        foreach (var item in items)
            table.AddRow(columns.Select(column => Markup.Escape(Text(item![column.Field]))).ToArray());
        console.Write(table);
    }

    private static string Text(JsonNode? value) => value switch
    {
        null => "",
        JsonValue text when text.TryGetValue<DateTimeOffset>(out _) => When(value),
        JsonValue plain => plain.ToString(),
        _ => value.ToJsonString(),
    };

    private static string When(JsonNode? value) => value is null ? "" : ((DateTimeOffset)value).ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
}
