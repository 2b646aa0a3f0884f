using System.Text.RegularExpressions;
using HomeStage.Hosting;
using HomeStage.Hosting.Configuration;
using HomeStage.Hosting.Telemetry;
using Microsoft.Extensions.DependencyInjection;

namespace HomeStage.Storage;

/// <summary>The store of a service's blobs, as its settings choose it.</summary>
public static partial class BlobsFeature
{
    /// <summary>
    /// Adds <see cref="IBlobStore"/>. With <c>BLOBS_S3_BUCKET</c> it is a bucket (<c>BLOBS_S3_REGION</c>, <c>BLOBS_S3_ENDPOINT</c>,
    /// <c>BLOBS_S3_ACCESS_KEY</c> and <c>BLOBS_S3_SECRET_KEY</c>, <c>BLOBS_S3_ENCRYPTION</c>, <c>BLOBS_S3_KMS_KEY</c>), else the folder
    /// <c>BLOBS_DIR</c>. All services that share blobs must be told the same.
    /// </summary>
    public static void AddBlobs(this ServiceBuilder service)
    {
        if (S3OptionsOf(service.Settings) is { } options)
        {
            service.Services.AddSingleton<IBlobStore>(_ => new S3BlobStore(options));
            return;
        }

        var folder = service.Settings.Folder("BLOBS_DIR", "the folder of photos and results, shared by staging-api and the workers; or set BLOBS_S3_BUCKET");
        service.Services.AddSingleton(new WatchedFolder("blobs", Path.GetFullPath(folder)));
        service.Services.AddSingleton<IBlobStore>(provider => new DirectoryBlobStore(Path.GetFullPath(folder), provider.GetRequiredService<TimeProvider>()));
    }

    private static S3Options? S3OptionsOf(Settings settings)
    {
        if (settings.Optional("BLOBS_S3_BUCKET") is not { } bucket)
            return null;
        if (!BucketName().IsMatch(bucket))
            settings.Refuse("BLOBS_S3_BUCKET", "is no bucket's name: 3 to 63 characters of a-z, 0-9, '.' and '-'");
        var endpoint = settings.Optional("BLOBS_S3_ENDPOINT") is null
            ? null
            : settings.Url("BLOBS_S3_ENDPOINT", "the address of a store that speaks S3's protocol, e.g. http://127.0.0.1:9000");
        if (settings.Production && endpoint is { Scheme: "http" })
            settings.Refuse("BLOBS_S3_ENDPOINT", "must be https in Production");
        var region = settings.Required("BLOBS_S3_REGION", "the bucket's region, e.g. eu-central-1");
        if (!RegionName().IsMatch(region))
            settings.Refuse("BLOBS_S3_REGION", "is no region: a-z, 0-9 and '-', e.g. eu-central-1");
        return new S3Options
        {
            Bucket = bucket,
            Region = region,
            Endpoint = endpoint,
            AccessKey = AccessKeyOf(settings),
            Encryption = EncryptionOf(settings),
            KmsKey = settings.Optional("BLOBS_S3_KMS_KEY"),
        };
    }

    private static (string, string)? AccessKeyOf(Settings settings)
    {
        if (settings.Optional("BLOBS_S3_ACCESS_KEY") is null && settings.Optional("BLOBS_S3_SECRET_KEY") is null)
            return null;
        return (settings.Required("BLOBS_S3_ACCESS_KEY", "the access key's id, or leave both out for the instance's role"),
            settings.Secret("BLOBS_S3_SECRET_KEY", "the access key's secret", minimumLength: 16));
    }

    private static string? EncryptionOf(Settings settings)
    {
        var chosen = settings.Optional("BLOBS_S3_ENCRYPTION") ?? "AES256";
        if (chosen is not ("AES256" or "aws:kms" or "bucket"))
            settings.Refuse("BLOBS_S3_ENCRYPTION", "must be AES256, aws:kms, or bucket (what the bucket does by itself)");
        return chosen == "bucket" ? null : chosen;
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", RegexOptions.None, 1000)]
    private static partial Regex BucketName();

    [GeneratedRegex("^[a-z0-9-]{2,40}$", RegexOptions.None, 1000)]
    private static partial Regex RegionName();
}
