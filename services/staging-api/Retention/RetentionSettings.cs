using HomeStage.Hosting.Configuration;

namespace HomeStage.Staging.Retention;

/// <summary>What is kept for how long. Everything here is removed by this service itself; what customers delete goes at once.</summary>
internal sealed record RetentionSettings
{
    /// <summary>How long an uploaded photo can be used; a staging has a copy of its own.</summary>
    public required TimeSpan Photos { get; init; }

    /// <summary>How long a staging is kept after its end, with its photo and its pictures, unless one of them is disclosed.</summary>
    public required TimeSpan Results { get; init; }

    /// <summary>The age at which previews, and whatever else no staging shows, are removed.</summary>
    public required TimeSpan Previews { get; init; }

    /// <summary>How long the events of streams are kept. Who resumes after an older one begins with a snapshot.</summary>
    public required TimeSpan Events { get; init; }

    /// <summary>How long it is remembered what an <c>Idempotency-Key</c> was used for.</summary>
    public required TimeSpan RequestKeys { get; init; }

    /// <summary>How long deliveries to webhook endpoints and what became of them are kept, and wait for an endpoint that is disabled.</summary>
    public required TimeSpan Webhooks { get; init; }

    internal static RetentionSettings Read(Settings settings)
    {
        var retention = new RetentionSettings
        {
            Photos = Hours("RETENTION_PHOTOS_HOURS", 24, 1, 720, "how long an uploaded photo can be used"),
            Results = Days("RETENTION_RESULTS_DAYS", 365, 1, 3650, "how long a staging is kept after its end"),
            // Longer than any submission or attempt may take.
            Previews = Hours("RETENTION_PREVIEWS_HOURS", 24, 2, 720, "the age of previews that are removed"),
            Events = Days("RETENTION_EVENTS_DAYS", 30, 1, 365, "how long the events of streams are kept"),
            // The API promises a day.
            RequestKeys = Hours("RETENTION_REQUEST_KEYS_HOURS", 168, 24, 8760, "how long an Idempotency-Key is remembered"),
            Webhooks = Days("RETENTION_WEBHOOKS_DAYS", 30, 1, 365, "how long deliveries to webhook endpoints are kept"),
        };
        if (retention.Events > retention.Results)
            settings.Refuse("RETENTION_EVENTS_DAYS", "must not be more than RETENTION_RESULTS_DAYS: events tell of stagings");
        return retention;

        TimeSpan Hours(string name, int fallback, int minimum, int maximum, string meaning) =>
            TimeSpan.FromHours(settings.WholeNumber(name, fallback, minimum, maximum, meaning + " (hours)"));

        TimeSpan Days(string name, int fallback, int minimum, int maximum, string meaning) =>
            TimeSpan.FromDays(settings.WholeNumber(name, fallback, minimum, maximum, meaning + " (days)"));
    }
}
