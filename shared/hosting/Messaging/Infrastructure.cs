using System.Net.Sockets;
using Npgsql;
using RabbitMQ.Client.Exceptions;

namespace HomeStage.Hosting.Messaging;

/// <summary>Tells trouble with a dependency, which passes by itself, from a fault of the message or the code, which does not.</summary>
public static class Infrastructure
{
    /// <summary>Whether the exception, or one inside it, is a lost connection, a timeout, a serialization failure or a server going down.</summary>
    public static bool IsTransient(Exception? exception) => exception switch
    {
        null => false,
        PostgresException postgres => postgres.SqlState is "40001" or "40P01" or "53300" || postgres.SqlState.StartsWith("57P0", StringComparison.Ordinal)
            || postgres.SqlState.StartsWith("08", StringComparison.Ordinal),
        NpgsqlException or SocketException or TimeoutException or HttpRequestException or BrokerUnreachableException or AlreadyClosedException => true,
        AggregateException many => many.InnerExceptions.Any(IsTransient),
        _ => IsTransient(exception.InnerException),
    };
}
