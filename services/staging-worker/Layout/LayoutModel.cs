using System.ClientModel;
using System.ClientModel.Primitives;
using HomeStage.Worker.Provider;
using OpenAI.Chat;

namespace HomeStage.Worker.Layout;

/// <summary>Asks the vision model: one request, one answer, no retry.</summary>
internal sealed class LayoutModel : IDisposable
{
    private readonly HttpClient _http = ProviderHttp.Create();
    private readonly ChatClient _client;
    private readonly LayoutSettings _settings;
    private readonly TimeProvider _time;

    public LayoutModel(WorkerSettings worker, LayoutSettings settings, TimeProvider time)
    {
        (_settings, _time) = (settings, time);
        _client = new ChatClient(settings.Model, new ApiKeyCredential(worker.ProviderKey), ProviderHttp.Options(worker, _http, settings.Timeout));
    }

    /// <summary>Asks about a photo.</summary>
    /// <param name="photo">The small copy, a JPEG.</param>
    /// <param name="safetyId">Keyed hash of the account.</param>
    /// <param name="cancellationToken">Aborts the call; it may be charged all the same.</param>
    /// <exception cref="ProviderException">There is no answer; says why.</exception>
    public async Task<LayoutAnswer> AskAsync(byte[] photo, string safetyId, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_settings.Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        using var body = BinaryContent.Create(LayoutQuestion.Body(_settings, photo, safetyId));
        var options = new RequestOptions { CancellationToken = either.Token, ErrorOptions = ClientErrorBehaviors.NoThrow };
        var started = _time.GetTimestamp();
        try
        {
            var result = await _client.CompleteChatAsync(body, options);
            using var response = result.GetRawResponse();
            return response.IsError ? throw Refused(response, started) : LayoutAnswer.Read(response.Content);
        }
        catch (OperationCanceledException canceled) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ProviderException(ProviderFailures.TimedOut(sent: true), Usage(started), canceled);
        }
        catch (Exception broken) when (broken is ClientResultException or HttpRequestException or IOException)
        {
            throw new ProviderException(ProviderFailures.Disconnected(sent: true), Usage(started), broken);
        }
    }

    public void Dispose() => _http.Dispose();

    private ProviderException Refused(PipelineResponse response, long started)
    {
        string? Header(string name) => response.Headers.TryGetValue(name, out var value) ? value : null;
        var (code, type) = ProviderAnswer.ReadError(response.Content);
        return new ProviderException(
            ProviderFailures.Of(new ProviderRefusal(response.Status, code, type, Header), _time.GetUtcNow()), Usage(started) with { RequestId = Header("x-request-id") });
    }

    private Contracts.ProviderUsage Usage(long started) =>
        new() { Model = _settings.Model, DurationMilliseconds = (long)_time.GetElapsedTime(started).TotalMilliseconds };
}
