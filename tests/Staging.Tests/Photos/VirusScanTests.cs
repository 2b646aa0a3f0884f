using System.Diagnostics;
using System.Text;
using HomeStage.Hosting.Configuration;
using HomeStage.Staging.Photos;
using HomeStage.Testing;
using HomeStage.Tool.Servers;
using Microsoft.Extensions.Configuration;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.Photos;

/// <summary>Photos under the eyes of a real clamd, which knows one virus: EICAR's test file.</summary>
public sealed class VirusScanTests(TestServers servers)
{
    // In two pieces, so that scanners leave this file alone.
    private static readonly byte[] Eicar = Encoding.ASCII.GetBytes(@"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-" + "STANDARD-ANTIVIRUS-TEST-FILE!$H+H*");

    [Fact]
    public async Task What_clamd_finds_is_refused_and_without_clamd_nothing_is_taken()
    {
        using var folder = new TemporaryFolder();
        var port = FreePorts.Next();
        using var clamd = await StartClamdAsync(folder, port);
        await using var app = await StagingApp.StartAsync(servers, setting: ("CLAMAV_ADDRESS", $"127.0.0.1:{port}"));
        var visitor = app.Visitor();
        await Eventually.Async(async () => (await visitor.UploadAsync(Samples.Photo)).Status == 201, "clamd looks at photos");

        // The virus in a comment of a photo that is otherwise good.
        byte[] infected = [0xFF, 0xD8, 0xFF, 0xFE, 0, (byte)(Eicar.Length + 2), .. Eicar, .. Samples.Photo[2..]];
        var refused = await visitor.UploadAsync(infected);
        (refused.Status, refused.Code, refused.Text("reason")).ShouldBe((422, "image_rejected", "malware"));
        var staged = await visitor.SubmitFormAsync(photo: infected);
        (staged.Status, (bool)staged.Body!["billed"]!).ShouldBe((422, false));
        (await app.CountAsync("photos")).ShouldBe(1);
        (await app.CountAsync("jobs")).ShouldBe(0);

        clamd.Kill();
        await clamd.WaitForExitAsync(TestContext.Current.CancellationToken);
        var key = Guid.NewGuid().ToString();
        var away = await visitor.UploadAsync(Samples.Photo, key: key);
        (away.Status, away.Code, (bool)away.Body!["retryable"]!).ShouldBe((503, "unavailable", true));
        using var again = await StartClamdAsync(folder, port);
        await Eventually.Async(async () => (await visitor.UploadAsync(Samples.Photo, key: key)).Status == 201, "the same request is taken when clamd is back");
        again.Kill();
    }

    [Theory]
    [InlineData("clamav:3310", "Unspecified/clamav:3310")]
    [InlineData("/run/clamav/clamd.ctl", "/run/clamav/clamd.ctl")]
    [InlineData("[::1]:3310", "Unspecified/::1:3310")]
    [InlineData("clamav", null)]
    [InlineData("clamav:70000", null)]
    [InlineData(":3310", null)]
    public void The_address_is_a_host_and_port_or_a_socket(string text, string? expected)
    {
        var settings = new Settings(new ConfigurationBuilder().AddInMemoryCollection([new("CLAMAV_ADDRESS", text)]).Build(), production: true);

        var address = VirusScan.AddressOf(settings).EndPoint;

        (address?.ToString()).ShouldBe(expected);
        if (expected is null)
            Should.Throw<SettingsException>(settings.ThrowIfInvalid).Problems.ShouldHaveSingleItem().ShouldStartWith("CLAMAV_ADDRESS");
    }

    private static async Task<Process> StartClamdAsync(TemporaryFolder folder, int port)
    {
        Directory.CreateDirectory(folder.File("signatures"));
        await File.WriteAllTextAsync(folder.File("signatures/test.ndb"), $"Eicar-Test:0:*:{Convert.ToHexStringLower(Eicar)}\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.File("clamd.conf"), $"""
            Foreground yes
            TCPAddr 127.0.0.1
            TCPSocket {port}
            DatabaseDirectory {folder.File("signatures")}
            StreamMaxLength 25M
            """, TestContext.Current.CancellationToken);
        return Process.Start(new ProcessStartInfo("/usr/sbin/clamd", ["--config-file", folder.File("clamd.conf")])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
    }
}
