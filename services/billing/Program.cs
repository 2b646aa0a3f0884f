using HomeStage.Billing;
using HomeStage.Hosting;

return await ServiceHost.RunAsync("billing", args, BillingService.Compose);
