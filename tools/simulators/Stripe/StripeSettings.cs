namespace HomeStage.Simulators.Stripe;

/// <summary>How the simulated Stripe is started.</summary>
internal sealed record StripeSettings
{
    /// <summary>The account's API version: the one that events and fixtures have.</summary>
    public const string ApiVersion = "2026-07-29.dahlia";

    public required Uri Url { get; init; }

    /// <summary>Where browsers find its pages, if not at <see cref="Url"/>.</summary>
    public Uri? PublicUrl { get; init; }

    public required string SecretKey { get; init; }

    /// <summary>Each delivery is signed with all of them, as Stripe does while a secret is being rolled.</summary>
    public required IReadOnlyList<string> WebhookSecrets { get; init; }

    /// <summary>Where events are sent; without it they are only listed.</summary>
    public Uri? WebhookUrl { get; init; }

    /// <summary>The file that keeps the state over a restart.</summary>
    public string? DataFile { get; init; }

    /// <summary>The wait before the second attempt; each further one waits twice as long, at most a hundred times this.</summary>
    public TimeSpan WebhookBackoff { get; init; } = TimeSpan.FromMilliseconds(500);

    public int WebhookAttempts { get; init; } = 20;

    /// <summary>How long a receiver may take.</summary>
    public TimeSpan WebhookTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How many first attempts run at once; with 1 they arrive in the order of the events.</summary>
    public int WebhookParallel { get; init; } = 1;
}
