using System.Buffers.Text;
using System.Text;
using HomeStage.Hosting.Problems;

namespace HomeStage.Hosting.Paging;

/// <summary>One page of a list that is read by keyset: <c>{items, nextCursor}</c>.</summary>
/// <param name="Items">The page, in the list's order.</param>
/// <param name="NextCursor">Give it back as <c>?cursor=</c> for what follows; null at the end.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);

/// <summary>The <c>?limit=&amp;cursor=</c> of a list request.</summary>
public static class PageRequest
{
    /// <summary>The number of items to answer: 20 unless asked, 1 to 100.</summary>
    /// <exception cref="ProblemException">Out of bounds.</exception>
    public static int Limit(int? limit) =>
        limit is null or (>= 1 and <= 100) ? limit ?? 20 : throw new ProblemException(Problem.Invalid("limit", "Use a number from 1 to 100."));

    /// <summary>The position after which to go on, as <see cref="Encode"/> wrote it; null for the start.</summary>
    /// <exception cref="ProblemException">The cursor is not one of ours.</exception>
    public static string? Position(string? cursor)
    {
        if (string.IsNullOrEmpty(cursor))
            return null;
        try
        {
            return Encoding.UTF8.GetString(Base64Url.DecodeFromChars(cursor));
        }
        catch (FormatException)
        {
            throw Unreadable();
        }
    }

    /// <summary>The position as a time-ordered id.</summary>
    /// <exception cref="ProblemException">The cursor is not one of ours.</exception>
    public static Guid? PositionAsId(string? cursor) =>
        Position(cursor) is not { } position ? null : Guid.TryParse(position, out var id) ? id : throw Unreadable();

    /// <summary>The position as a number.</summary>
    /// <exception cref="ProblemException">The cursor is not one of ours.</exception>
    public static long? PositionAsNumber(string? cursor) =>
        Position(cursor) is not { } position ? null : long.TryParse(position, out var number) ? number : throw Unreadable();

    /// <summary>Makes a page of rows that were read with one more than <paramref name="limit"/>, to know whether more follow.</summary>
    public static Page<TItem> Page<TRow, TItem>(IReadOnlyList<TRow> rows, int limit, Func<TRow, object> position, Func<TRow, TItem> item) =>
        new([.. rows.Take(limit).Select(item)], rows.Count > limit ? Encode(position(rows[limit - 1])) : null);

    private static string Encode(object position) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(position.ToString()!));

    private static ProblemException Unreadable() =>
        new(Problem.Invalid("cursor", "Use the nextCursor of an earlier answer, unchanged."));
}
