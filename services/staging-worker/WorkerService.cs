using HomeStage.Contracts;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Messaging;
using HomeStage.Hosting.Redis;
using HomeStage.Worker.Layout;
using HomeStage.Worker.Outputs;
using HomeStage.Worker.Provider;
using HomeStage.Worker.Rendering;

namespace HomeStage.Worker;

/// <summary>Makes attempts at jobs. Its listener has no routes: work comes from the bus, health is on the management listener.</summary>
internal static class WorkerService
{
    internal const string Name = "staging-worker";

    internal static void Compose(ServiceBuilder service)
    {
        var settings = WorkerSettings.Read(service.Settings);
        service.Services.AddSingleton(settings);
        service.AddIdentity(callers: [], calls: true);
        service.AddRedis();
        service.AddMessaging(bus => bus
            .Consumes<StageRoomConsumer, StageRoom>(settings.Concurrency)
            .Publishes<RenderProgressed>()
            .Publishes<RoomStaged>()
            .Publishes<StagingFailed>());
        service.AddOutputs();
        service.AddImageProvider();
        service.AddLayout(settings);
        service.AddRendering(settings);
    }
}
