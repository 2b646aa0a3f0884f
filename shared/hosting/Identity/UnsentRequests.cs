namespace HomeStage.Hosting.Identity;

/// <summary>Tells requests that nobody can have seen from those that somebody may have acted on.</summary>
public static class UnsentRequests
{
    extension(HttpRequestException failure)
    {
        /// <summary>Whether there was no connection, so that the request may be sent elsewhere whatever it does.</summary>
        public bool WasNotSent => failure.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError;
    }
}
