using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace HomeStage.Hosting.Messaging;

/// <summary>
/// Holds MassTransit back from connecting until the broker answers. Its own way is to fail and to wait for longer each time, up to 30 s,
/// which nobody can change; a broker that is back is used within a moment this way.
/// </summary>
internal sealed partial class BrokerReachable(ILogger<BrokerReachable> logger)
{
    private const int TriesBetweenWarnings = 60;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>Returns once a connection could be made, or when it fails for a reason that waiting does not mend, which MassTransit then reports.</summary>
    /// <exception cref="OperationCanceledException">The service stops.</exception>
    internal async Task WaitAsync(ConnectionFactory factory, CancellationToken stopping)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                await using var connection = await factory.CreateConnectionAsync(stopping);
                if (tries > 0)
                    Log.Back(logger);
                return;
            }
            catch (BrokerUnreachableException error) when (!IsRefusal(error))
            {
                if (tries % TriesBetweenWarnings == 0)
                    Log.Away(logger, error);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                return;
            }

            await Task.Delay(Pause, stopping);
        }
    }

    private static bool IsRefusal(Exception? error) => error switch
    {
        null => false,
        AuthenticationFailureException or PossibleAuthenticationFailureException => true,
        AggregateException many => many.InnerExceptions.Any(IsRefusal),
        _ => IsRefusal(error.InnerException),
    };

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The broker does not answer; trying until it does", EventName = "broker_away")]
        public static partial void Away(ILogger logger, Exception exception);

        [LoggerMessage(2, LogLevel.Information, "The broker answers again", EventName = "broker_back")]
        public static partial void Back(ILogger logger);
    }
}
