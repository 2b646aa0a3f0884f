using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using HomeStage.Tool.Deployments;
using Spectre.Console;

namespace HomeStage.Tool.Support;

/// <summary><c>./homestage support …</c>: what the support API offers, as tables for people and as JSON for programs.</summary>
internal static class SupportCommand
{
    private const string ByHand = "looked into by support";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private static readonly Option<string?> Url = new("--url")
    {
        Description = $"The support API's address; {SupportAccess.UrlSetting} of the environment or of the data folder if not said.",
        Recursive = true,
    };

    private static readonly Option<string> Data = new("--data")
    {
        Description = "The data folder of a running 'up', whose support API and token are used.",
        DefaultValueFactory = _ => DataFolder.Default,
        Recursive = true,
    };

    private static readonly Option<bool> Json = new("--json") { Description = "Print the answer as JSON.", Recursive = true };

    private static readonly Option<string> Key = new("--key")
    {
        Description = "A key of your own: a command sent again with it is carried out once.",
        DefaultValueFactory = _ => Guid.CreateVersion7().ToString(),
        Recursive = true,
    };

    private static readonly Option<string> Reason = new("--reason") { Description = "Why; it stands in the audit, and on the statement where credits move.", Required = true };

    public static Command Create(Func<Func<IAnsiConsole, CancellationToken, Task<int>>, Task<int>> run)
    {
        var command = new Command("support", "Explains and mends accounts, orders and messages, with a reason on record.") { Url, Data, Json, Key };
        foreach (var one in (Command[])[.. Reading(run), .. OnCredits(run), .. OnAccounts(run), .. OnMoneyAndMessages(run)])
            command.Add(one);
        return command;
    }

    private static IEnumerable<Command> Reading(Func<Func<IAnsiConsole, CancellationToken, Task<int>>, Task<int>> run)
    {
        var by = ((string Name, string What)[])
            [("account", "its id"), ("order", "an order's id"), ("job", "a job's id"), ("stripe", "any of Stripe's ids"), ("email", "the e-mail address given to Stripe")];
        var options = by.Select(one => new Option<string?>("--" + one.Name) { Description = $"By {one.What}." }).ToArray();
        var account = new Command("account", "Shows accounts: grants, holds, entries, orders.");
        foreach (var option in options)
            account.Add(option);
        account.Validators.Add(result =>
        {
            if (options.Count(option => result.GetResult(option) is not null) != 1)
                result.AddError("Give one of --account, --order, --job, --stripe and --email.");
        });
        yield return account.Runs(run, parsed => SupportRequest.Get("support/accounts?" + options
            .Where(option => parsed.GetValue(option) is not null)
            .Select(option => $"{option.Name[2..]}={Uri.EscapeDataString(parsed.GetValue(option)!)}").First()), SupportTables.Accounts);

        var order = Id("order", "The order's id.");
        yield return new Command("order", "Explains an order step by step.") { order }
            .Runs(run, parsed => SupportRequest.Get($"support/orders/{parsed.GetValue(order)}"), SupportTables.Order);

        yield return new Command("audit", "Checks every rule of the ledger; exit 1 and the offending rows if one is broken.")
            .Runs(run, _ => SupportRequest.Get("support/ledger/violations"), SupportTables.Violations,
                answer => answer["violations"]!.AsArray().Count == 0 ? 0 : 1);

        var subject = new Option<string?>("--subject") { Description = "Only what was done to this account, grant, order, queue or address hash." };
        var limit = new Option<int>("--limit") { Description = "How many lines.", DefaultValueFactory = _ => 50 };
        yield return new Command("history", "What support people did and looked at, newest first.") { subject, limit }
            .Runs(run, parsed => SupportRequest.Get(
                $"support/audit?limit={parsed.GetValue(limit)}" + (parsed.GetValue(subject) is { } about ? $"&subject={Uri.EscapeDataString(about)}" : "")),
                SupportTables.History);
    }

    private static IEnumerable<Command> OnCredits(Func<Func<IAnsiConsole, CancellationToken, Task<int>>, Task<int>> run)
    {
        var account = Id("account", "The account's id.");
        var credits = new Argument<int>("credits") { Description = "How many credits." };
        var days = new Option<int>("--days") { Description = "For how many days.", Required = true };
        yield return new Command("grant", "Grants credits to an account.") { account, credits, days, Reason }
            .Runs(run, parsed => SupportRequest.Post($"support/accounts/{parsed.GetValue(account)}/grants",
                new { Credits = parsed.GetValue(credits), ValidForDays = parsed.GetValue(days), Reason = parsed.GetValue(Reason) }), SupportTables.Grant);

        var grant = Id("grant", "The grant's id, as 'support account' shows it.");
        yield return new Command("extend", "Gives a grant more days, from its end or from now if that is over.") { grant, days, Reason }
            .Runs(run, parsed => SupportRequest.Post($"support/grants/{parsed.GetValue(grant)}/extend",
                new { Days = parsed.GetValue(days), Reason = parsed.GetValue(Reason) }), SupportTables.Grant);
        yield return new Command("extend-account", "Gives every grant of an account more days.") { account, days, Reason }
            .Runs(run, parsed => SupportRequest.Post($"support/accounts/{parsed.GetValue(account)}/extend",
                new { Days = parsed.GetValue(days), Reason = parsed.GetValue(Reason) }), SupportTables.Fields);

        var some = new Option<int?>("--credits") { Description = "How many; all that can be if not said." };
        foreach (var (name, what) in ((string, string)[])[("revoke", "Takes credits of a grant away."), ("restore", "Gives revoked credits of a grant back.")])
        {
            yield return new Command(name, what) { grant, some, Reason }
                .Runs(run, parsed => SupportRequest.Post($"support/grants/{parsed.GetValue(grant)}/{name}",
                    new { Credits = parsed.GetValue(some), Reason = parsed.GetValue(Reason) }), SupportTables.Grant);
        }

        var change = new Option<int>("--credits") { Description = "By how many; negative takes away.", Required = true };
        yield return new Command("adjust", "Corrects the size of a grant.") { grant, change, Reason }
            .Runs(run, parsed => SupportRequest.Post($"support/grants/{parsed.GetValue(grant)}/adjust",
                new { Credits = parsed.GetValue(change), Reason = parsed.GetValue(Reason) }), SupportTables.Grant);
    }

    private static IEnumerable<Command> OnAccounts(Func<Func<IAnsiConsole, CancellationToken, Task<int>>, Task<int>> run)
    {
        var account = Id("account", "The account's id.");
        foreach (var (name, what) in ((string, string)[])
            [("freeze", "Freezes an account: nothing of it can be used, and nothing expires."), ("thaw", "Ends that; the grants get the time back.")])
        {
            yield return new Command(name, what) { account, Reason }
                .Runs(run, parsed => SupportRequest.Post($"support/accounts/{parsed.GetValue(account)}/{name}", new { Reason = parsed.GetValue(Reason) }), SupportTables.Fields);
        }

        var hash = new Argument<string>("address-hash") { Description = "The keyed hash of an address: the ip of the gateway's security events in the log, 43 characters." };
        var until = new Option<int?>("--days") { Description = "For how many days; for ever if not said." };
        yield return new Command("block", "Blocks an address, for free use and at the gateways.") { hash, until, Reason }
            .Runs(run, parsed => new(HttpMethod.Put, $"support/blocks/{Uri.EscapeDataString(parsed.GetValue(hash)!)}",
                new { Until = parsed.GetValue(until) is { } days ? TimeProvider.System.GetUtcNow().AddDays(days) : (DateTimeOffset?)null, Reason = parsed.GetValue(Reason) }), SupportTables.Fields);
        yield return new Command("unblock", "Ends a block.") { hash, Reason }
            .Runs(run, parsed => new(HttpMethod.Delete, $"support/blocks/{Uri.EscapeDataString(parsed.GetValue(hash)!)}", new { Reason = parsed.GetValue(Reason) }), SupportTables.Fields);
        yield return new Command("blocks", "Lists the blocks that hold now.")
            .Runs(run, _ => SupportRequest.Get("support/blocks"), SupportTables.Blocks);
    }

    private static IEnumerable<Command> OnMoneyAndMessages(Func<Func<IAnsiConsole, CancellationToken, Task<int>>, Task<int>> run)
    {
        var why = new Option<string>("--reason") { Description = "Why; it stands in the audit.", DefaultValueFactory = _ => ByHand };
        yield return new Command("reconcile", "Asks Stripe for every event that may have been missed, and applies it.") { why }
            .Runs(run, parsed => SupportRequest.Post("support/reconcile", new { Reason = parsed.GetValue(why) }), SupportTables.Fields);

        var order = Id("order", "The order's id.");
        yield return new Command("check", "Asks Stripe about one order now, applies what it says, and explains the order.") { order, why }
            .Runs(run, parsed => SupportRequest.Post($"support/orders/{parsed.GetValue(order)}/check", new { Reason = parsed.GetValue(why) }), SupportTables.Order);

        yield return new Command("dead-letters", "Counts the messages that their consumers gave up on.")
            .Runs(run, _ => SupportRequest.Get("support/dead-letters"), SupportTables.DeadLetters);
        var queue = new Argument<string>("queue") { Description = "The queue, as 'support dead-letters' names it." };
        var most = new Option<int>("--max") { Description = "How many at most.", DefaultValueFactory = _ => 100 };
        yield return new Command("resend", "Sends the dead letters of a queue on their way again.") { queue, most, Reason }
            .Runs(run, parsed => SupportRequest.Post($"support/dead-letters/{Uri.EscapeDataString(parsed.GetValue(queue)!)}/resend",
                new { Reason = parsed.GetValue(Reason), Max = parsed.GetValue(most) }), SupportTables.Fields);
    }

    private static Command Runs(
        this Command command,
        Func<Func<IAnsiConsole, CancellationToken, Task<int>>, Task<int>> run,
        Func<ParseResult, SupportRequest> request,
        Action<JsonNode, IAnsiConsole> print,
        Func<JsonNode, int>? exitCode = null)
    {
        command.SetAction(parsed => run(async (console, stop) =>
        {
            var access = SupportAccess.Find(parsed.GetValue(Url), new DataFolder(parsed.GetValue(Data)!));
            var answer = await new SupportApi(access).SendAsync(request(parsed), parsed.GetValue(Key)!, stop);
            if (parsed.GetValue(Json))
                console.WriteLine(answer.ToJsonString(Indented));
            else
                print(answer, console);
            return exitCode?.Invoke(answer) ?? 0;
        }));
        return command;
    }

    private static Argument<Guid> Id(string name, string description) => new(name) { Description = description };
}
