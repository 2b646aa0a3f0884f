using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using HomeStage.Staging.Attempts;
using HomeStage.Staging.Stagings;

namespace HomeStage.Staging.Listings;

/// <summary>A listing as its owner sees it.</summary>
/// <param name="Id">The listing.</param>
/// <param name="Name">What its owner calls it.</param>
/// <param name="Status"><c>partial</c>: it has ended, with pictures, but not of every photo.</param>
/// <param name="Take">Whether all photos were wanted or none, or as many as the credits allow.</param>
/// <param name="Style">As it was asked for.</param>
/// <param name="Quality">As it was asked for.</param>
/// <param name="Declutter">As it was asked for.</param>
/// <param name="Prompt">The customer's own words.</param>
/// <param name="Variations">Pictures asked for of each photo.</param>
/// <param name="Format">What the pictures' files are.</param>
/// <param name="Size">What the model was asked to draw at; null for the nearest in shape to each photo.</param>
/// <param name="Seed">As it was asked for.</param>
/// <param name="Photos">How many photos it has.</param>
/// <param name="Counts">How many of them are where.</param>
/// <param name="Pictures">How many pictures can be had now.</param>
/// <param name="Cost">What it costs when everything is delivered that was taken.</param>
/// <param name="Receipt">What became of its credits so far.</param>
/// <param name="CreatedAt">When it was submitted.</param>
/// <param name="FinishedAt">When the last of it ended.</param>
/// <param name="EtaSeconds">How long it will usually take from now; null once it has ended.</param>
/// <param name="PollAfterSeconds">When to ask again, for whoever does not follow the events; null once it has ended.</param>
/// <param name="Urls">What can be done next.</param>
internal sealed record ListingView(
    Guid Id,
    string? Name,
    [property: AllowedValues("queued", "running", "succeeded", "partial", "failed", "canceled")] string Status,
    [property: AllowedValues(ListingTake.All, ListingTake.AsMany)] string Take,
    string Style,
    string Quality,
    bool Declutter,
    string? Prompt,
    int Variations,
    string Format,
    string? Size,
    int? Seed,
    int Photos,
    ListingCounts Counts,
    int Pictures,
    CostView Cost,
    ListingReceiptView Receipt,
    DateTimeOffset CreatedAt,
    DateTimeOffset? FinishedAt,
    int? EtaSeconds,
    int? PollAfterSeconds,
    ListingUrls Urls)
{
    /// <summary>The photos in their order; left out in lists.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ListingItemView>? Items { get; init; }

    /// <summary>Only in a stream's snapshot: the number of the last event that it includes.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? LastEvent { get; init; }
}

/// <summary>One photo of a listing.</summary>
/// <param name="N">Its place, from 1.</param>
/// <param name="PhotoId">What <c>POST /api/v1/photos</c> answered.</param>
/// <param name="Room">As it was asked for.</param>
/// <param name="Status">What its staging is doing, or what became of it.</param>
/// <param name="Staging">Null if it was not staged, or was deleted.</param>
/// <param name="Reason">Why it was not staged.</param>
internal sealed record ListingItemView(
    int N,
    Guid? PhotoId,
    string Room,
    [property: AllowedValues("queued", "running", "succeeded", "failed", "canceled", ListingState.NotStaged, ListingState.Deleted)] string Status,
    StagingView? Staging,
    ErrorView? Reason);

/// <summary>What can be done with a listing.</summary>
/// <param name="Self">Ask how it is, or delete it.</param>
/// <param name="Events">Follow it.</param>
/// <param name="Results">All pictures as a zip archive; null while there is none.</param>
/// <param name="Cancel">Cancel what has not ended; null once all has.</param>
internal sealed record ListingUrls(string Self, string Events, string? Results, string? Cancel);

/// <summary>That all stagings of a listing have ended.</summary>
/// <param name="ListingId">The listing.</param>
/// <param name="Status">What became of it.</param>
/// <param name="At">When.</param>
/// <param name="Counts">What became of its photos.</param>
/// <param name="Pictures">How many pictures there are.</param>
internal sealed record ListingEndedView(
    Guid ListingId,
    [property: AllowedValues("succeeded", "partial", "failed", "canceled")] string Status,
    DateTimeOffset At,
    ListingCounts Counts,
    int Pictures);

/// <summary>Makes views of listings.</summary>
internal sealed class ListingViews(StagingViews stagings)
{
    internal static string Url(Guid id) => $"/api/v1/listings/{id}";

    /// <param name="listing">The listing.</param>
    /// <param name="jobs">All of its jobs, in their order.</param>
    /// <param name="withItems">Whether each photo is told of.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal async Task<ListingView> OfAsync(Listing listing, IReadOnlyList<Job> jobs, bool withItems, CancellationToken cancellationToken)
    {
        var state = ListingState.Of(jobs);
        var (first, url) = (jobs[0], Url(listing.Id));
        var taken = jobs.Where(job => !job.NeverHeld).ToList();
        var items = new List<ListingItemView>();
        int? eta = null;
        foreach (var job in jobs)
        {
            var status = ListingState.StatusOf(job);
            var view = status is ListingState.NotStaged or ListingState.Deleted ? null : await stagings.OfAsync(job, cancellationToken);
            eta = view?.EtaSeconds > (eta ?? 0) ? view.EtaSeconds : eta;
            var reason = status == ListingState.NotStaged ? new ErrorView(job.ErrorCode!, FailureMessages.Of(job.ErrorCode!), Billed: false) : null;
            items.Add(new ListingItemView(job.ListingN!.Value, job.PhotoId, job.Room, status, view, reason));
        }

        return new ListingView(
            listing.Id,
            listing.Name,
            state.Status,
            listing.Take,
            first.Style,
            first.Quality,
            first.Declutter,
            jobs.FirstOrDefault(job => job.Words is not null)?.Words,
            first.Variations,
            first.Format,
            first.Size,
            first.Seed,
            jobs.Count,
            state.Counts,
            state.Pictures,
            new CostView(taken.Where(job => job.Free != true).Sum(job => job.Price * job.Variations), taken.Count > 0 && taken.TrueForAll(job => job.Free == true)),
            state.Receipt,
            listing.CreatedAt,
            state.FinishedAt,
            eta,
            state.FinishedAt is null ? StagingViews.PollAfterSeconds : null,
            new ListingUrls(url, url + "/events", state.Pictures > 0 ? url + "/results.zip" : null, state.FinishedAt is null ? url + "/cancel" : null))
        { Items = withItems ? items : null };
    }
}
