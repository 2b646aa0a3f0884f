using HomeStage.Billing.Tests.Support;
using HomeStage.Hosting;
using HomeStage.Hosting.Configuration;
using HomeStage.Testing;

namespace HomeStage.Billing.Tests;

public sealed class StartTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("STRIPE_SECRET_KEY", "pk_test_4eC39HqLyjWDarjtT1zdp7dc", "STRIPE_SECRET_KEY must begin with")]
    [InlineData("STRIPE_SECRET_KEY", "", "STRIPE_SECRET_KEY is missing")]
    [InlineData("STRIPE_WEBHOOK_SECRET", "4eC39HqLyjWDarjtT1zdp7dc", "STRIPE_WEBHOOK_SECRET must be signing secrets")]
    [InlineData("STRIPE_WEBHOOK_SECRET", BillingApp.WebhookSecret + ",short", "STRIPE_WEBHOOK_SECRET must be signing secrets")]
    [InlineData("STRIPE_API_URL", "stripe", "STRIPE_API_URL must be an absolute")]
    [InlineData("PUBLIC_URL", "", "PUBLIC_URL is missing")]
    [InlineData("RESTORE_CODE_KEY", "", "RESTORE_CODE_KEY is missing")]
    [InlineData("RESTORE_CODE_KEY", "aShortOne", "RESTORE_CODE_KEY is too short")]
    [InlineData("RECONCILE_SECONDS", "0", "RECONCILE_SECONDS must be a whole number from 10")]
    [InlineData("RETENTION_STRIPE_PAYLOAD_DAYS", "29", "RETENTION_STRIPE_PAYLOAD_DAYS must be a whole number from 30")]
    [InlineData("PLANS", """{"plans":[{"id":"a","name":"A","price":900,"currency":"usd","credits":0,"durationDays":30}]}""", "PLANS_FILE cannot be used: plan 'a': credits")]
    [InlineData("PLANS_FILE", "/nowhere/plans.json", "PLANS_FILE names a file that cannot be read")]
    [InlineData("STRIPE_SECRET_KEY", "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "PUBLIC_URL must be https with a live Stripe key")]
    public async Task Setting_that_makes_no_sense_stops_the_start_and_is_named(string name, string value, string problem)
    {
        using var callers = new TestCallers(_folder);
        var settings = BillingApp.SettingsOf(_folder);
        settings[name] = value;
        var error = await Should.ThrowAsync<SettingsException>(
            () => ServiceHost.StartAsync("billing", settings, BillingService.Compose, cancellationToken: TestContext.Current.CancellationToken));
        error.Problems.ShouldHaveSingleItem().ShouldStartWith(problem);
    }

    public void Dispose() => _folder.Dispose();
}
