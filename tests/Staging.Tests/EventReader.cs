using System.Net.ServerSentEvents;
using System.Text.Json.Nodes;
using Xunit;

namespace HomeStage.Staging.Tests;

/// <summary>An event as a client gets it.</summary>
internal sealed record ReceivedEvent(string Type, string? Id, JsonNode Data, TimeSpan? Reconnection)
{
    internal string Text(string name) => (string)Data[name]!;
}

/// <summary>Reads an event stream one event at a time.</summary>
internal sealed class EventReader : IAsyncDisposable
{
    // Against hanging only; no test depends on its length.
    private readonly CancellationTokenSource _patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private readonly IAsyncEnumerator<SseItem<string>> _items;

    private EventReader(HttpResponseMessage response, Stream stream)
    {
        Response = response;
        _patience.CancelAfter(TimeSpan.FromSeconds(60));
        Parser = SseParser.Create(stream);
        _items = Parser.EnumerateAsync(_patience.Token).GetAsyncEnumerator();
    }

    internal HttpResponseMessage Response { get; }

    internal SseParser<string> Parser { get; }

    internal static async Task<EventReader> OpenAsync(HttpResponseMessage response) =>
        new(response, await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));

    public async ValueTask DisposeAsync()
    {
        Response.Dispose();
        await _patience.CancelAsync();
        try
        {
            await _items.DisposeAsync();
        }
        catch (Exception cut) when (cut is OperationCanceledException or NotSupportedException)
        {
            // It was being read.
        }

        _patience.Dispose();
    }

    /// <summary>The next event, pings included; null at the end of the stream.</summary>
    internal async Task<ReceivedEvent?> NextOfAnyTypeAsync()
    {
        if (!await _items.MoveNextAsync())
            return null;
        var item = _items.Current;
        return new ReceivedEvent(item.EventType, item.EventId, JsonNode.Parse(item.Data)!, item.ReconnectionInterval);
    }

    /// <summary>The next event that is no ping; null at the end of the stream.</summary>
    internal async Task<ReceivedEvent?> NextAsync()
    {
        while (await NextOfAnyTypeAsync() is { } item)
        {
            if (item.Type != "ping")
                return item;
        }

        return null;
    }

    /// <summary>All that is left, without pings.</summary>
    internal async Task<List<ReceivedEvent>> ToEndAsync()
    {
        var items = new List<ReceivedEvent>();
        while (await NextAsync() is { } item)
            items.Add(item);
        return items;
    }
}
