using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace HomeStage.Tool.Bench;

/// <summary>What billing's webhook is measured against: an endpoint that verifies the signature and inserts the event, and does nothing else.</summary>
internal static class BareWebhook
{
    public const string Command = "bench-bare-webhook";
    public const string UrlSetting = "BARE_URL";
    public const string DatabaseSetting = "BARE_DATABASE";
    public const string SecretSetting = "BARE_SECRET";

    public static async Task<int> RunAsync()
    {
        var secret = Encoding.UTF8.GetBytes(BareServer.Setting(SecretSetting));
        await using var database = NpgsqlDataSource.Create(BareServer.Setting(DatabaseSetting));
        await using (var create = database.CreateCommand("create table if not exists bench_events (id text primary key, type text not null, payload bytea not null)"))
            await create.ExecuteNonQueryAsync();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(BareServer.Setting(UrlSetting));
        builder.Logging.ClearProviders();
        await using var app = builder.Build();
        app.MapGet("/health", () => Results.Ok());
        app.MapPost("/webhooks/stripe", (HttpRequest request, CancellationToken cancel) => ReceiveAsync(request, secret, database, cancel));
        await app.RunAsync();
        return 0;
    }

    private static async Task<IResult> ReceiveAsync(HttpRequest request, byte[] secret, NpgsqlDataSource database, CancellationToken cancel)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, cancel);
        var payload = body.ToArray();
        var header = request.Headers["Stripe-Signature"].ToString();
        var comma = header.IndexOf(',', StringComparison.Ordinal);
        var expected = HMACSHA256.HashData(secret, (byte[])[.. Encoding.ASCII.GetBytes(header[2..comma] + "."), .. payload]);
        if (!CryptographicOperations.FixedTimeEquals(expected, Convert.FromHexString(header[(comma + 4)..])))
            return Results.BadRequest();
        using var happened = JsonDocument.Parse(payload);
        await using var insert = database.CreateCommand("insert into bench_events (id, type, payload) values ($1, $2, $3) on conflict do nothing");
        insert.Parameters.AddWithValue(happened.RootElement.GetProperty("id").GetString()!);
        insert.Parameters.AddWithValue(happened.RootElement.GetProperty("type").GetString()!);
        insert.Parameters.AddWithValue(payload);
        await insert.ExecuteNonQueryAsync(cancel);
        return Results.Ok();
    }
}
