using HomeStage.Hosting.Configuration;
using HomeStage.Testing;
using Microsoft.Extensions.Configuration;

namespace HomeStage.Hosting.Tests.Configuration;

public sealed class SettingsTests
{
    private const string GoodSecret = "q8Zr2mVwX4tYbN6kLp0sDf3gHj5aCe7u";

    [Fact]
    public void Every_faulty_setting_is_named_at_once_and_says_what_to_do()
    {
        var settings = Of(("PORTS", "many"), ("TOKEN", "short"));

        settings.Required("PUBLIC_URL", "the address that people use");
        settings.WholeNumber("PORTS", 1, 1, 9, "how many");
        settings.Secret("TOKEN", "a random value");

        var problems = Should.Throw<SettingsException>(settings.ThrowIfInvalid).Problems;
        problems.ShouldBe(
        [
            "PUBLIC_URL is missing: set it, or PUBLIC_URL_FILE, to the address that people use.",
            "PORTS must be a whole number from 1 to 9: how many.",
            "TOKEN is too short: 32 characters at least.",
        ]);
    }

    [Theory]
    [InlineData("http://one:1", 1)]
    [InlineData("http://one:1,https://two:2", 2)]
    [InlineData(" http://one:1 , http://two:2 ", 2)]
    public void Addresses_of_replicas_are_separated_by_commas(string text, int count)
    {
        var settings = Of(("PEER_URL", text));

        settings.Urls("PEER_URL", "the addresses of the peer").Count.ShouldBe(count);

        settings.ThrowIfInvalid();
    }

    [Theory]
    [InlineData("one:1")]
    [InlineData("http://one:1,")]
    [InlineData("http://one:1/path")]
    [InlineData("http://one:1,http://one:1")]
    public void Addresses_that_make_no_sense_are_refused(string text)
    {
        var settings = Of(("PEER_URL", text));

        settings.Urls("PEER_URL", "the addresses of the peer").ShouldNotBeEmpty();

        Should.Throw<SettingsException>(settings.ThrowIfInvalid).Problems.ShouldHaveSingleItem().ShouldStartWith("PEER_URL ");
    }

    [Theory]
    [InlineData("changeme-changeme-changeme-changeme-changeme")]
    [InlineData("this-is-the-default-value-of-the-token-setting")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void A_secret_that_stands_in_every_example_is_refused(string secret)
    {
        var settings = Of(("TOKEN", secret));

        settings.Secret("TOKEN", "a random value");

        Should.Throw<SettingsException>(settings.ThrowIfInvalid).Message.ShouldContain("TOKEN looks like an example");
    }

    [Fact]
    public void A_refused_secret_is_not_repeated_in_the_message()
    {
        var settings = Of(("TOKEN", "hunter2-hunter2"));

        settings.Secret("TOKEN", "a random value");

        Should.Throw<SettingsException>(settings.ThrowIfInvalid).Message.ShouldNotContain("hunter2");
    }

    [Fact]
    public void A_setting_is_read_from_the_file_that_its_twin_names()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("token");
        File.WriteAllText(file, GoodSecret + "\n");
        var settings = Of(("TOKEN_FILE", file));

        settings.Secret("TOKEN", "a random value").ShouldBe(GoodSecret);
        Should.NotThrow(settings.ThrowIfInvalid);
    }

    [Fact]
    public void A_file_that_is_not_there_is_named()
    {
        var settings = Of(("TOKEN_FILE", "/nowhere/token"));

        settings.Secret("TOKEN", "a random value");

        Should.Throw<SettingsException>(settings.ThrowIfInvalid).Problems.ShouldContain(problem => problem.StartsWith("TOKEN_FILE names a file that cannot be read"));
    }

    [Theory]
    [InlineData("localhost:8080")]
    [InlineData("ftp://example.org")]
    [InlineData("/path")]
    public void An_address_must_be_absolute_http(string text)
    {
        var settings = Of(("PUBLIC_URL", text));

        settings.Url("PUBLIC_URL", "the address that people use");

        Should.Throw<SettingsException>(settings.ThrowIfInvalid).Message.ShouldContain("PUBLIC_URL must be an absolute http or https address");
    }

    private static Settings Of(params (string Name, string Value)[] values) =>
        new(new ConfigurationBuilder().AddInMemoryCollection(values.Select(value => KeyValuePair.Create(value.Name, (string?)value.Value))).Build(), production: true);
}
