using HomeStage.Hosting;
using HomeStage.Staging;

return await ServiceHost.RunAsync("staging-api", args, StagingService.Compose);
