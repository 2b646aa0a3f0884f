using HomeStage.Gateway;
using HomeStage.Hosting;

return await ServiceHost.RunAsync("gateway", args, GatewayService.Compose);
