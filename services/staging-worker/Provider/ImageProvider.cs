using System.ClientModel;
using System.ClientModel.Primitives;
using HomeStage.Catalog;
using HomeStage.Contracts;
using OpenAI.Images;

namespace HomeStage.Worker.Provider;

/// <summary>Calls the image provider: one request, one answer, no retry of its own, since each try may cost.</summary>
internal sealed class ImageProvider : IDisposable
{
    private readonly HttpClient _http;
    private readonly ImageClient _client;
    private readonly ImageModel _model;
    private readonly TokenPrices? _prices;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;

    public ImageProvider(WorkerSettings settings, TimeProvider time)
    {
        (_model, _prices, _timeout, _time) = (settings.Model, settings.Prices, settings.ProviderTimeout, time);
        _http = ProviderHttp.Create();
        _client = new ImageClient(_model.Name, new ApiKeyCredential(settings.ProviderKey), ProviderHttp.Options(settings, _http, _timeout));
    }

    /// <summary>Asks for pictures.</summary>
    /// <param name="request">What is asked.</param>
    /// <param name="partial">Gets what can be seen of a single picture while it is made; must return at once.</param>
    /// <param name="cancellationToken">Aborts the call; the provider may charge for it all the same.</param>
    /// <exception cref="ProviderException">There are no pictures; says why.</exception>
    public async Task<ProviderAnswer> EditAsync(EditRequest request, Action<byte[]> partial, CancellationToken cancellationToken)
    {
        // The package's own limit starts anew with each piece of the answer; this one is for the whole call.
        using var limit = new CancellationTokenSource(_timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        using var body = new EditBody(request, _model);
        var options = new RequestOptions { CancellationToken = either.Token, ErrorOptions = ClientErrorBehaviors.NoThrow, BufferResponse = !body.Streams };
        options.SetHeader("X-Client-Request-Id", request.ClientRequestId);
        var started = _time.GetTimestamp();
        try
        {
            var result = await _client.GenerateImageEditsAsync(body, body.ContentType, options);
            using var response = result.GetRawResponse();
            return await ReadAsync(response, request, partial, started, either.Token);
        }
        catch (OperationCanceledException canceled) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ProviderException(ProviderFailures.TimedOut(body.Sent), Usage(started), canceled);
        }
        catch (Exception broken) when (broken is ClientResultException or HttpRequestException or IOException)
        {
            throw new ProviderException(ProviderFailures.Disconnected(body.Sent), Usage(started), broken);
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<ProviderAnswer> ReadAsync(PipelineResponse response, EditRequest request, Action<byte[]> partial, long started, CancellationToken cancellationToken)
    {
        string? Header(string name) => response.Headers.TryGetValue(name, out var value) ? value : null;
        var usage = Usage(started) with { RequestId = Header("x-request-id") };
        // Also where a stream was asked for, errors are JSON, and so may be an answer of who does not stream.
        var streamed = !response.IsError && Header("content-type")?.StartsWith(ProviderStream.MediaType, StringComparison.OrdinalIgnoreCase) == true;
        if (!streamed)
            await response.BufferContentAsync(cancellationToken);
        if (response.IsError)
        {
            var (code, type) = ProviderAnswer.ReadError(response.Content);
            var refusal = new ProviderRefusal(response.Status, code, type, Header);
            throw new ProviderException(ProviderFailures.Of(refusal, _time.GetUtcNow()), usage);
        }

        ProviderAnswer? answer;
        try
        {
            answer = streamed ? await ProviderStream.ReadAsync(response.ContentStream!, partial, cancellationToken) : ProviderAnswer.Read(response.Content, request.Count);
        }
        catch (StreamedErrorException error)
        {
            // The work had begun, and may be charged.
            throw new ProviderException(ProviderFailures.Of(error.AsRefusal(), _time.GetUtcNow()) with { MayHaveCost = true }, usage, error);
        }

        usage = usage with { DurationMilliseconds = Usage(started).DurationMilliseconds };
        return answer is null
            ? throw new ProviderException(ProviderFailures.Malformed, usage)
            : answer with
            {
                Usage = usage with { InputTokens = answer.InputTokens, OutputTokens = answer.OutputTokens, CostMicrodollars = CostOf(request, answer) },
            };
    }

    // By token where prices are configured, which is exact; else by picture where the model has a price.
    private long? CostOf(EditRequest request, ProviderAnswer answer) =>
        _prices?.Of(answer.InputTokens, answer.OutputTokens) ?? _model.CostOf(request.OurQuality, request.Size, answer.Pictures.Count);

    private ProviderUsage Usage(long started) =>
        new() { Model = _model.Name, DurationMilliseconds = (long)_time.GetElapsedTime(started).TotalMilliseconds };
}
