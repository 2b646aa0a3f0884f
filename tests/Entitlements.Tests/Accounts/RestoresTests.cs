using System.Security.Cryptography;
using System.Text;
using HomeStage.Testing;
using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.Accounts;

[Collection(nameof(OneService))]
public sealed class RestoresTests(EntitlementsFixture fixture)
{
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    private readonly EntitlementsApp _app = fixture.App;
    private readonly Guid _account = Guid.CreateVersion7();
    private readonly string _code = new([.. "10", .. RandomNumberGenerator.GetItems<char>(Alphabet, 24)]);

    [Fact]
    public async Task A_code_opens_its_account_however_it_is_typed()
    {
        await PayAsync();

        foreach (var typed in new[]
        {
            _code,
            _code.ToLowerInvariant(),
            $" {string.Join('-', _code.Chunk(4).Select(part => new string(part)))} ",
            "I" + _code[1..],
            "l" + _code[1..],
            _code[..1] + "o" + _code[2..],
        })
        {
            (await RestoreAsync(typed)).Ok()["accountId"]!.ToString().ShouldBe(_account.ToString(), typed);
        }
    }

    [Fact]
    public async Task A_code_opens_the_account_that_its_own_was_merged_into()
    {
        await PayAsync();
        var into = Guid.CreateVersion7();
        await _app.MergeAsync(_account, into);

        (await RestoreAsync(_code)).Ok()["accountId"]!.ToString().ShouldBe(into.ToString());
    }

    [Fact]
    public async Task A_code_opens_nothing_once_somebody_signs_in_to_the_account()
    {
        await PayAsync();
        await _app.SignsInAsync(_account);

        var answer = await RestoreAsync(_code);

        (answer.Status, answer.Code).ShouldBe((403, "sign_in_required"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("00000000000000000000000000")]
    [InlineData("0000000000000000000000000")]
    [InlineData("000000000000000000000000000")]
    [InlineData("0000000000000000000000000U")]
    [InlineData("0000000000000000000000000é")]
    public async Task A_code_that_does_not_exist_is_not_found(string typed)
    {
        var answer = await RestoreAsync(typed);

        (answer.Status, answer.Code).ShouldBe((404, "not_found"));
    }

    [Fact]
    public async Task Only_the_gateway_asks_and_a_novel_is_no_code()
    {
        (await _app.SendAsync(HttpMethod.Post, "/internal/accounts/restore", "staging-api", new { code = _code })).Status.ShouldBe(403);
        (await RestoreAsync(new string('0', 201))).Code.ShouldBe("validation_failed");
    }

    private Task<Answer> RestoreAsync(string typed) => _app.SendAsync(HttpMethod.Post, "/internal/accounts/restore", "gateway", new { code = typed });

    private async Task PayAsync()
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(_code)));
        await _app.PublishAsync(Payment(_account, Guid.CreateVersion7(), _app.Clock.Now) with { RestoreCodeHash = hash });
        await Eventually.Async(async () => await _app.AvailableAsync(_account) == 20, "the payment is granted");
    }
}
