using HomeStage.Hosting;
using HomeStage.Worker;

return await ServiceHost.RunAsync(WorkerService.Name, args, WorkerService.Compose);
