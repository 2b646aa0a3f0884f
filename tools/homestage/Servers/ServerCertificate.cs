namespace HomeStage.Tool.Servers;

/// <summary>The certificate that a server shows where it is to speak TLS besides.</summary>
/// <param name="Certificate">PEM.</param>
/// <param name="Key">Its private key, PEM.</param>
public sealed record ServerCertificate(string Certificate, string Key)
{
    /// <summary>Writes both where the server's account, and nobody else, can read the key.</summary>
    internal async Task<(string Certificate, string Key)> PlaceAsync(string folder, string account, CancellationToken cancel)
    {
        Directory.CreateDirectory(folder);
        var (certificate, key) = (Path.Combine(folder, "tls.crt"), Path.Combine(folder, "tls.key"));
        await File.WriteAllTextAsync(certificate, Certificate, cancel);
        PrivateFile.Write(key, Key);
        await ServerAccount.OwnAsync(folder, account, cancel);
        return (certificate, key);
    }
}
