using System.CommandLine;

namespace HomeStage.Simulators.OpenAI;

/// <summary><c>openai</c>: starts the simulated image provider.</summary>
internal static class OpenAiCommand
{
    public static Command Create()
    {
        var url = CommonOptions.Url();
        var key = CommonOptions.Text("--api-key", "OPENAI_API_KEY", "the only key that is accepted");
        var latency = CommonOptions.Duration("--latency", "SIMULATOR_LATENCY", TimeSpan.FromSeconds(1), "how long a picture takes, e.g. 1.5s, 200ms, 2m");
        var images = new Option<int>("--images-per-minute") { Description = "the account's rate limit", DefaultValueFactory = _ => 60_000 };
        images.Validators.Add(result =>
        {
            if (result.GetValue(images) < 1)
                result.AddError("--images-per-minute must be at least 1.");
        });
        var command = new Command("openai", "OpenAI's POST /v1/images/edits on loopback.") { url, key, latency, images };
        command.SetAction((parsed, cancel) => OpenAiSimulator.Build(new OpenAiSettings
        {
            Url = parsed.GetValue(url)!,
            ApiKey = parsed.GetValue(key)!,
            Latency = parsed.GetValue(latency),
            ImagesPerMinute = parsed.GetValue(images),
        }).RunUntil(cancel));
        return command;
    }
}
