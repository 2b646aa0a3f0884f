using HomeStage.Entitlements;
using HomeStage.Hosting;

return await ServiceHost.RunAsync(EntitlementsService.Name, args, EntitlementsService.Compose);
