using HomeStage.Testing;
using HomeStage.Tool.Prerequisites;
using HomeStage.Tool.Servers;
using Shouldly;
using Xunit;

namespace HomeStage.Tool.Tests;

public sealed class PrerequisitesTests
{
    private static readonly Requirement[] Missing = [new("RabbitMQ", ["rabbitmq-server"], () => false), new("libvips", ["libvips42", "libvips42t64"], () => false)];

    private static readonly Machine Debian = new(HasApt: true, IsRoot: true, HasSudo: false, HasTerminal: false, Yes: false);

    [Fact]
    public void Root_installs_without_asking_when_nobody_is_at_the_terminal()
    {
        var plan = Installation.Decide(Missing, Debian).ShouldBeOfType<Installation.Planned>();

        plan.Packages.ShouldBe(["rabbitmq-server", "libvips42"]);
        plan.WithSudo.ShouldBeFalse();
        plan.Ask.ShouldBeFalse();
    }

    [Theory]
    [InlineData(true, false, true)]
    [InlineData(true, true, false)]
    [InlineData(false, false, false)]
    public void A_person_is_asked_unless_they_said_yes(bool hasTerminal, bool yes, bool asked)
    {
        Installation.Decide(Missing, Debian with { HasTerminal = hasTerminal, Yes = yes }).ShouldBeOfType<Installation.Planned>().Ask.ShouldBe(asked);
    }

    [Fact]
    public void Without_root_sudo_does_it()
    {
        Installation.Decide(Missing, Debian with { IsRoot = false, HasSudo = true }).ShouldBeOfType<Installation.Planned>().WithSudo.ShouldBeTrue();
    }

    [Fact]
    public void Without_root_and_sudo_the_line_to_run_is_said()
    {
        Installation.Decide(Missing, Debian with { IsRoot = false }).ShouldBeOfType<Installation.Refused>()
            .Sentence.ShouldContain("sudo apt-get install -y --no-install-recommends rabbitmq-server libvips42");
    }

    [Fact]
    public void Without_apt_the_container_command_is_said()
    {
        Installation.Decide(Missing, Debian with { HasApt = false }).ShouldBeOfType<Installation.Refused>().Sentence.ShouldContain("docker run");
    }

    [Fact]
    public void The_newest_PostgreSQL_that_is_new_enough_is_taken()
    {
        using var folder = new TemporaryFolder();
        foreach (var version in (string[])["14", "15", "9.6", "17", "18"])
            Directory.CreateDirectory(Path.Combine(folder.File(version), "bin"));
        foreach (var program in (string[])["14/bin/initdb", "14/bin/postgres", "15/bin/initdb", "15/bin/postgres", "17/bin/initdb", "17/bin/postgres", "18/bin/psql"])
            File.WriteAllText(folder.File(program), "");

        Executables.NewestPostgres(Directory.EnumerateDirectories(folder.FullPath)).ShouldBe(folder.File("17/bin"));
        Executables.NewestPostgres([folder.File("14"), folder.File("9.6")]).ShouldBeNull();
    }
}
