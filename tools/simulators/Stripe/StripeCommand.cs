using System.CommandLine;

namespace HomeStage.Simulators.Stripe;

/// <summary><c>stripe</c>: starts the simulated payment provider.</summary>
internal static class StripeCommand
{
    public static Command Create()
    {
        var url = CommonOptions.Url();
        var publicUrl = CommonOptions.Address("--public-url", "SIMULATOR_PUBLIC_URL", "where browsers find its pages, if not there", required: false);
        var key = CommonOptions.Text("--secret-key", "STRIPE_SECRET_KEY", "the only API key that is accepted (sk_test_…)");
        var secrets = CommonOptions.Text("--webhook-secret", "STRIPE_WEBHOOK_SECRET", "what webhooks are signed with; several, separated by commas, all sign");
        var webhookUrl = CommonOptions.Address("--webhook-url", "SIMULATOR_WEBHOOK_URL", "where events are sent; without it they are only listed", required: false);
        var data = new Option<string?>("--data")
        {
            Description = "the file that keeps the state over a restart [env SIMULATOR_DATA]",
            DefaultValueFactory = _ => Environment.GetEnvironmentVariable("SIMULATOR_DATA"),
        };
        var backoff = CommonOptions.Duration("--webhook-backoff", "SIMULATOR_WEBHOOK_BACKOFF", TimeSpan.FromMilliseconds(500), "wait before the second attempt; doubles");
        var attempts = new Option<int>("--webhook-attempts") { Description = "how often a webhook is tried", DefaultValueFactory = _ => 20 };
        var timeout = CommonOptions.Duration("--webhook-timeout", "SIMULATOR_WEBHOOK_TIMEOUT", TimeSpan.FromSeconds(10), "how long a receiver may take");
        var parallel = new Option<int>("--webhook-parallel") { Description = "how many webhooks are sent at once; 1 keeps their order", DefaultValueFactory = _ => 1 };
        foreach (var number in new[] { attempts, parallel })
        {
            number.Validators.Add(result =>
            {
                if (result.GetValue(number) < 1)
                    result.AddError($"{number.Name} must be at least 1.");
            });
        }
        var command = new Command("stripe", "Stripe's Checkout, refunds, disputes, events and webhooks on loopback.")
        {
            url, publicUrl, key, secrets, webhookUrl, data, backoff, attempts, timeout, parallel,
        };
        command.SetAction((parsed, cancel) => StripeSimulator.Build(new StripeSettings
        {
            Url = parsed.GetValue(url)!,
            PublicUrl = parsed.GetValue(publicUrl),
            SecretKey = parsed.GetValue(key)!,
            WebhookSecrets = parsed.GetValue(secrets)!.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
            WebhookUrl = parsed.GetValue(webhookUrl),
            DataFile = parsed.GetValue(data),
            WebhookBackoff = parsed.GetValue(backoff),
            WebhookAttempts = parsed.GetValue(attempts),
            WebhookTimeout = parsed.GetValue(timeout),
            WebhookParallel = parsed.GetValue(parallel),
        }).RunUntil(cancel));
        return command;
    }
}
