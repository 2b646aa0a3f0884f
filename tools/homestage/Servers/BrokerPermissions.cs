using System.Text.RegularExpressions;

namespace HomeStage.Tool.Servers;

/// <summary>
/// What each service may do on the broker, in one place (design section 5: one user a service, which can write only to the
/// exchanges of its own messages, so that a worker cannot mint money).
/// </summary>
public static class BrokerPermissions
{
    /// <summary>The user that declares the topology in the migrate step; it may do everything in its virtual host.</summary>
    public const string MigrateUser = "migrate";

    /// <summary>
    /// The user by which support people count dead letters and send them on their way again: it may take them from every
    /// <c>_error</c> queue and put them into any queue, and declare nothing.
    /// </summary>
    public const string SupportUser = "support";

    /// <summary>The user by which a platform reads how long queues are, to scale workers; it sees them and touches nothing.</summary>
    public const string ScalerUser = "scaler";

    /// <summary>The messages that each service publishes.</summary>
    public static IReadOnlyDictionary<string, string[]> MessagesOf { get; } = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["billing"] = ["PaymentCompleted", "PaymentAdjusted"],
        ["entitlements"] = ["CreditsChanged", "AccountMerged", "AccountErased"],
        ["staging-api"] = ["StageRoom", "StagingSettled"],
        ["staging-worker"] = ["RenderProgressed", "RoomStaged", "StagingFailed"],
    };

    /// <summary>Everyone who needs an account on the broker, besides its administrator.</summary>
    public static IEnumerable<string> Users => [.. MessagesOf.Keys, MigrateUser, SupportUser, ScalerUser];

    /// <summary>The regular expressions of one user, as RabbitMQ takes them.</summary>
    /// <exception cref="KeyNotFoundException">There is no such user.</exception>
    public static BrokerPermission Of(string user)
    {
        if (user == MigrateUser)
            return new(".*", ".*", ".*");
        if (user == SupportUser)
            return new(Configure: "^$", Write: @"^amq\.default$", Read: @"^.*_error$");
        if (user == ScalerUser)
            return new("^$", "^$", "^$");
        var ownQueues = $@"{Regex.Escape(user)}\..*";
        var own = $@"^(HomeStage\.Contracts:({string.Join('|', MessagesOf[user])})|{ownQueues})$";
        return new(
            Configure: own,
            Write: own,
            // Binding an own queue reads from the exchange of another's message, which delivers nothing of anybody else's queue.
            Read: $@"^(HomeStage\.Contracts:.*|{ownQueues})$");
    }
}

/// <summary>RabbitMQ's three regular expressions over the names of queues and exchanges.</summary>
/// <param name="Configure">What may be declared and deleted.</param>
/// <param name="Write">Where may be published, and what may be bound to.</param>
/// <param name="Read">What may be consumed, and what may be bound from.</param>
public sealed record BrokerPermission(string Configure, string Write, string Read);
