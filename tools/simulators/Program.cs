using System.CommandLine;
using HomeStage.Simulators.OpenAI;
using HomeStage.Simulators.Stripe;

var root = new RootCommand("Faithful peers for development and tests: OpenAI and Stripe on loopback, with faults on demand.")
{
    OpenAiCommand.Create(),
    StripeCommand.Create(),
};
return await root.Parse(args).InvokeAsync();
