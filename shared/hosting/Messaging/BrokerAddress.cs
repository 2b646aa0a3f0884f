using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using HomeStage.Hosting.Configuration;
using MassTransit;
using RabbitMQ.Client;

namespace HomeStage.Hosting.Messaging;

/// <summary>Where RabbitMQ is. With <c>amqps</c> its certificate is verified: name, validity, and authority.</summary>
public sealed class BrokerAddress
{
    private const SslProtocols Protocols = SslProtocols.Tls12 | SslProtocols.Tls13;

    private readonly Uri _url;
    private readonly TrustedAuthority? _authority;

    private BrokerAddress(Uri url, TrustedAuthority? authority) => (_url, _authority) = (url, authority);

    /// <summary>Reads the setting, which is required, and <c>TRUSTED_CA_FILE</c>.</summary>
    public static BrokerAddress Read(Settings settings, string name)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var authority = TrustedAuthority.Read(settings);
        var text = settings.Required(name, "the broker's address, amqp://user:password@host:port/vhost, or amqps:// for TLS");
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "amqp" or "amqps")
            return new(url, authority);
        settings.Refuse(name, "must be an address such as amqp://user:password@host:5672/vhost");
        return new(new Uri("amqp://missing.invalid"), authority);
    }

    /// <summary>Makes connections that show the given name at the broker.</summary>
    public ConnectionFactory Factory(string name)
    {
        var factory = new ConnectionFactory { Uri = _url, ClientProvidedName = name };
        // The client's own reading of such an address lets any name in the certificate pass.
        if (IsTls)
            factory.Ssl = new SslOption(_url.Host, enabled: true) { Version = Protocols, CertificateValidationCallback = Accepts };
        return factory;
    }

    /// <summary>Has a bus connect there, by the name that its connection shows at the broker.</summary>
    internal void Configure(IRabbitMqBusFactoryConfigurator bus, string name, Action<IRabbitMqHostConfigurator> configure) => bus.Host(_url, name, host =>
    {
        if (IsTls)
        {
            host.UseSsl(ssl =>
            {
                ssl.ServerName = _url.Host;
                ssl.Protocol = Protocols;
                ssl.CertificateValidationCallback = Accepts;
            });
        }

        configure(host);
    });

    private bool IsTls => _url.Scheme == "amqps";

    private bool Accepts(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
        _authority?.Accepts(sender, certificate, chain, errors) ?? errors == SslPolicyErrors.None;
}
