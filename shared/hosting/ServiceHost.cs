using System.Diagnostics.Metrics;
using HomeStage.Hosting.Configuration;
using HomeStage.Hosting.Health;
using HomeStage.Hosting.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace HomeStage.Hosting;

/// <summary>
/// Runs a service. Modes: <c>serve</c> (the default); <c>migrate</c>, which brings the schema and the broker's topology up to date and
/// ends; <c>describe</c>, which writes the service's part of the API document and ends; <c>ready</c>, which asks the service that runs with
/// the same settings whether it is ready and ends with 0 if so, for platforms that probe by command.
/// </summary>
public static class ServiceHost
{
    /// <summary>Runs the service until it is told to stop.</summary>
    /// <param name="name">The service's name, which is its issuer and audience in internal tokens.</param>
    /// <param name="args">The command line: a mode, then settings as <c>--NAME=value</c>.</param>
    /// <param name="compose">Adds the service's features.</param>
    /// <returns>The exit code: 0, or 1 with the reason on standard error.</returns>
    public static async Task<int> RunAsync(string name, string[] args, Action<ServiceBuilder> compose)
    {
        var mode = args.FirstOrDefault(arg => !arg.StartsWith('-')) ?? "serve";
        if (mode == "ready")
            return await Readiness.AskAsync(args);
        try
        {
            var service = new ServiceBuilder(name, [.. args.Where(arg => arg.StartsWith('-'))]);
            compose(service);
            switch (mode)
            {
                case "serve":
                    await using (var app = service.Build())
                        await app.RunAsync();
                    return 0;
                case "migrate":
                    await service.MigrateAsync(CancellationToken.None);
                    return 0;
                case "describe":
                    await Console.Out.WriteLineAsync((await service.DescribeAsync(CancellationToken.None)).ToJsonString());
                    return 0;
                default:
                    return await FailAsync($"{name}: there is no mode '{mode}'. Use 'serve', 'migrate', 'describe' or 'ready'.");
            }
        }
        catch (SettingsException error)
        {
            return await FailAsync([.. error.Problems.Select(problem => $"{name}: {problem}")]);
        }
        catch (Migrations.MigrationException error)
        {
            return await FailAsync($"{name}: {error.Message}");
        }
    }

    /// <summary>Starts the service inside this process; for tests.</summary>
    /// <param name="name">The service's name.</param>
    /// <param name="settings">Its settings by name.</param>
    /// <param name="compose">Adds the service's features.</param>
    /// <param name="replace">Replaces registrations, for instance the clock.</param>
    /// <param name="cancellationToken">Ends the wait for the start.</param>
    public static async Task<WebApplication> StartAsync(
        string name,
        IReadOnlyDictionary<string, string> settings,
        Action<ServiceBuilder> compose,
        Action<IServiceCollection>? replace = null,
        CancellationToken cancellationToken = default)
    {
        var service = new ServiceBuilder(name, [.. settings.Select(setting => $"--{setting.Key}={setting.Value}")]);
        compose(service);
        service.Services.Replace(ServiceDescriptor.Singleton<IMeterFactory, SeparateMeters>());
        replace?.Invoke(service.Services);
        var app = service.Build();
        await app.StartAsync(cancellationToken);
        return app;
    }

    /// <summary>Migrates inside this process; for tests.</summary>
    /// <param name="name">The service's name.</param>
    /// <param name="settings">Its settings by name.</param>
    /// <param name="compose">Adds the service's features.</param>
    /// <param name="cancellationToken">Ends the migration between two files.</param>
    public static Task MigrateAsync(
        string name, IReadOnlyDictionary<string, string> settings, Action<ServiceBuilder> compose, CancellationToken cancellationToken = default)
    {
        var service = new ServiceBuilder(name, [.. settings.Select(setting => $"--{setting.Key}={setting.Value}")]);
        compose(service);
        return service.MigrateAsync(cancellationToken);
    }

    private static async Task<int> FailAsync(params string[] lines)
    {
        foreach (var line in lines)
            await Console.Error.WriteLineAsync(line);
        return 1;
    }
}
