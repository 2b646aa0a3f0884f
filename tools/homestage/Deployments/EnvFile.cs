using HomeStage.Tool.Servers;

namespace HomeStage.Tool.Deployments;

/// <summary>
/// The file by which other programs attach themselves: every setting of every process under its own name, or, where services
/// differ in its value, with the service's name before it.
/// </summary>
internal static class EnvFile
{
    private const string Header = """
        # How to reach this HomeStage. Written at each start; for this machine and its owner alone.
        # One NAME=value a line, the value as it is up to the end of the line (no quoting: do not 'source' it in a shell).
        # A setting that has another value in each service has the service's name in front:
        # BILLING_DATABASE_CONNECTION is the DATABASE_CONNECTION of billing. MIGRATE_… are those of the migrate mode.

        """;

    /// <summary>Real providers' keys are the person's own and are not written anywhere.</summary>
    public static string Render(Deployment deployment, ServerFacts servers)
    {
        var settings = deployment.Services.Concat(deployment.Migrations)
            .SelectMany(process => process.Settings.Select(setting => (Process: process, Name: setting.Key, setting.Value)))
            .Where(setting => !IsTheirOwnersSecret(setting.Name, deployment.Providers))
            .GroupBy(setting => setting.Name, StringComparer.Ordinal)
            .SelectMany(same => same.DistinctBy(setting => setting.Value).Count() == 1
                ? [(Name: same.Key, same.First().Value)]
                : same.Select(setting => (Name: $"{Prefix(setting.Process)}_{setting.Name}", setting.Value)))
            .Concat(Infrastructure(deployment, servers))
            .Distinct()
            .OrderBy(setting => setting.Name, StringComparer.Ordinal);
        return Header + string.Concat(settings.Select(setting => $"{setting.Name}={setting.Value}\n"));
    }

    /// <exception cref="ToolException">The file cannot be read or is not one of ours.</exception>
    public static IReadOnlyDictionary<string, string> Read(string file)
    {
        try
        {
            var settings = File.ReadAllLines(file)
                .Where(line => line.Length > 0 && line[0] != '#')
                .Select(line => line.Split('=', 2))
                .ToDictionary(parts => parts[0], parts => parts[1], StringComparer.Ordinal);
            if (settings.ContainsKey("PUBLIC_URL"))
                return settings;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or IndexOutOfRangeException or ArgumentException)
        {
            throw Damaged(unreadable);
        }
        throw Damaged(cause: null);

        ToolException Damaged(Exception? cause) =>
            new($"The data folder is damaged: {file} cannot be read as NAME=value lines. Delete that file, and the next 'up' writes it anew.", cause);
    }

    private static IEnumerable<(string Name, string Value)> Infrastructure(Deployment deployment, ServerFacts servers)
    {
        yield return ("POSTGRES_ADMIN_CONNECTION", servers.Postgres!.AdminConnection());
        yield return ("POSTGRES_PORT", $"{servers.Postgres.Port}");
        yield return ("RABBITMQ_ADMIN_URL", servers.RabbitMq!.Url(RabbitMqFacts.Admin));
        yield return ("RABBITMQ_ADMIN_PASSWORD", servers.RabbitMq.AdminPassword);
        yield return ("RABBITMQ_MANAGEMENT_URL", servers.RabbitMq.Management.AbsoluteUri);
        yield return ("RABBITMQ_PORT", $"{servers.RabbitMq.Port}");
        yield return ("REDIS_PORT", $"{servers.Redis!.Port}");
        yield return ("SUPPORT_URL", deployment.SupportUrls[0]);
        yield return ("SUPPORT_TOKEN", deployment.SupportToken);
        foreach (var simulator in deployment.Simulators)
            yield return ($"{Prefix(simulator)}_URL", simulator.Shown!.Value.Address);
    }

    private static bool IsTheirOwnersSecret(string setting, Providers providers) => setting switch
    {
        "OPENAI_API_KEY" => !providers.OpenAiIsSimulated,
        _ when setting.StartsWith("SIGN_IN_", StringComparison.Ordinal) && setting.EndsWith("_SECRET", StringComparison.Ordinal) => true,
        "STRIPE_SECRET_KEY" or "STRIPE_WEBHOOK_SECRET" => !providers.StripeIsSimulated,
        _ => false,
    };

    /// <summary>A migration is its service: the names of its own settings say what they are for.</summary>
    private static string Prefix(ProcessPlan process) =>
        (process.Ready is null ? process.Program : process.Name).ToUpperInvariant().Replace('-', '_');
}
