using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HomeStage.Tool.Deployments;
using HomeStage.Tool.Prerequisites;
using HomeStage.Tool.Servers;
using HomeStage.Tool.Up;
using Spectre.Console;

namespace HomeStage.Tool.Demo;

internal sealed record DemoOptions
{
    public required string Photo { get; init; }

    public required string Room { get; init; }

    public required string Style { get; init; }

    /// <summary>Pictures of the same photo in another style that follow the first; 0 for none.</summary>
    public int Variations { get; init; }

    public required string Output { get; init; }

    public required string Data { get; init; }

    public int? Port { get; init; }

    /// <summary>A system that runs elsewhere; null for the one of <see cref="Data"/>.</summary>
    public string? Url { get; init; }

    /// <summary>The certificate to trust there, a PEM file; null for what the machine trusts.</summary>
    public string? Certificate { get; init; }

    public bool Yes { get; init; }
}

/// <summary><c>homestage demo</c>: what a customer does, through the gateway alone.</summary>
internal static class DemoCommand
{
    private static readonly string[] Variants = ["clean", "labeled"];

    private static readonly string[] OtherStyles = ["mid_century", "modern"];

    public static async Task<int> RunAsync(DemoOptions options, IAnsiConsole console, CancellationToken stop)
    {
        if (!File.Exists(options.Photo))
            throw new ToolException($"There is no photo {Path.GetFullPath(options.Photo)}.");
        var data = new DataFolder(options.Data);
        if (options.Url is { } url)
        {
            if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
                throw new ToolException($"'{url}' is not the address of a system, as https://localhost:8443 is one.");
            if (options.Certificate is { } certificate && !File.Exists(certificate))
                throw new ToolException($"There is no certificate {Path.GetFullPath(certificate)}.");
            Directory.CreateDirectory(data.FullPath);
            return await StageAsync(Place.Elsewhere(address, options.Certificate, data), options, console, stop);
        }

        if (await RunningAsync(data, console, stop) is { } publicUrl)
            return await StageAsync(Place.Here(publicUrl, data), options, console, stop);

        await Requirements.EnsureAsync(Requirement.ToRun, options.Yes, console, stop);
        var port = options.Port ?? (FreePorts.IsFree(UpOptions.DefaultPort) ? UpOptions.DefaultPort : FreePorts.Next());
        HeldFolder.RequireFree(port);
        await using var held = await HeldFolder.TakeAsync(data, fresh: false, stop);
        await using var stack = await UpCommand.StartAsync(data, new() { Port = port }, console, stop);
        return await StageAsync(Place.Here(stack.Deployment.PublicUrl, data), options, console, stop);
    }

    /// <summary>The address of the <c>up</c> that runs on the folder, once it is ready; null if none runs.</summary>
    private static async Task<string?> RunningAsync(DataFolder data, IAnsiConsole console, CancellationToken stop)
    {
        for (var said = false; RunFile.Find(data) is { } run; said = true)
        {
            if (run.IsReady)
                return EnvFile.Read(data.EnvFile)["PUBLIC_URL"];
            if (!said)
                console.MarkupLineInterpolated($"Waiting for the command that is at work on {data.FullPath} (process {run.ProcessId})…");
            await Task.Delay(200, stop);
        }
        return null;
    }

    private static async Task<int> StageAsync(Place place, DemoOptions options, IAnsiConsole console, CancellationToken stop)
    {
        try
        {
            using var gateway = await VisitAsync(place, options, console, stop);
            var job = await SubmitAsync(gateway, options, console, stop);
            var id = (string)job["id"]!;
            await JobProgress.FollowAsync(gateway, $"/api/v1/stagings/{id}/events", console, stop);
            await RequireSuccessAsync(gateway, id, stop);
            var files = await DownloadAsync(gateway, id, options.Style, 1, options, stop);
            files.Add(await PublishAsync(gateway, id, options, console, stop));
            if (options.Variations > 0)
                files.AddRange(await VaryAsync(gateway, id, options, console, stop));
            await Receipt.PrintAsync(gateway, id, files, console, stop);
            return 0;
        }
        catch (HttpRequestException failure)
        {
            throw new ToolException($"The gateway at {place.Url} does not answer ({failure.HttpRequestError}). {place.WhatToDo}", failure);
        }
    }

    /// <summary>A session with credits. Demos that run side by side are one visitor, who buys once: they take turns here.</summary>
    private static async Task<GatewayClient> VisitAsync(Place place, DemoOptions options, IAnsiConsole console, CancellationToken stop)
    {
        await using var turn = await FolderLock.TakeAsync(place.SessionFile + ".lock", stop);
        var gateway = new GatewayClient(place);
        try
        {
            var session = await gateway.GetAsync("/api/v1/session", stop);
            var available = (int)(await gateway.GetAsync("/api/v1/credits", stop))["available"]!;
            console.MarkupLineInterpolated($"[bold]{place.Url}[/]: {session["kind"]?.ToString() ?? "visitor"} with {available} credits.");
            if (available < 1 + options.Variations)
                await Purchase.BuyAsync(gateway, console, stop);
            return gateway;
        }
        catch
        {
            gateway.Dispose();
            throw;
        }
    }

    private static async Task<JsonObject> SubmitAsync(GatewayClient gateway, DemoOptions options, IAnsiConsole console, CancellationToken stop)
    {
        await using var file = File.OpenRead(options.Photo);
        using var photo = new StreamContent(file) { Headers = { ContentType = new MediaTypeHeaderValue(MediaTypeOf(options.Photo)) } };
        using var form = new MultipartFormDataContent
        {
            { photo, "photo", Path.GetFileName(options.Photo) },
            { new StringContent(options.Room), "room" },
            { new StringContent(options.Style), "style" },
            { new StringContent("1"), "variations" },
            { new StringContent("standard"), "quality" },
        };
        var job = await gateway.PostAsync("/api/v1/stagings", form, stop);
        console.MarkupLineInterpolated($"Submitted {Path.GetFileName(options.Photo)} as {options.Room}, {options.Style}: job {job["id"]}, cost {job["cost"]?["credits"]}.");
        return job;
    }

    private static async Task RequireSuccessAsync(GatewayClient gateway, string id, CancellationToken stop)
    {
        var job = await gateway.GetAsync($"/api/v1/stagings/{id}", stop);
        if ((string?)job["status"] != "succeeded")
            throw new ToolException($"The job {id} ended as {job["status"]}{(job["error"] is { } error ? $": {error["message"]} ({error["code"]})" : "")}. Failed jobs cost nothing; the logs of staging-worker and staging-api are in the data folder's logs/.");
    }

    /// <summary>The same photo in another style, several pictures at once.</summary>
    private static async Task<List<string>> VaryAsync(GatewayClient gateway, string id, DemoOptions options, IAnsiConsole console, CancellationToken stop)
    {
        var style = options.Style == OtherStyles[0] ? OtherStyles[1] : OtherStyles[0];
        var job = await gateway.PostAsync($"/api/v1/stagings/{id}/regenerate", JsonContent.Create(new { style, variations = options.Variations }), stop);
        var again = (string)job["id"]!;
        console.MarkupLineInterpolated($"The same photo again as {style}, {options.Variations} variations: job {again}, cost {job["cost"]?["credits"]}.");
        await JobProgress.FollowAsync(gateway, $"/api/v1/stagings/{again}/events", console, stop);
        await RequireSuccessAsync(gateway, again, stop);
        return await DownloadAsync(gateway, again, style, options.Variations, options, stop);
    }

    private static async Task<List<string>> DownloadAsync(GatewayClient gateway, string id, string style, int pictures, DemoOptions options, CancellationToken stop)
    {
        Directory.CreateDirectory(options.Output);
        var files = new List<string>();
        foreach (var (number, variant) in Enumerable.Range(1, pictures).SelectMany(number => Variants.Select(variant => (number, variant))))
        {
            var (bytes, mediaType) = await gateway.DownloadAsync($"/api/v1/stagings/{id}/images/{number}?variant={variant}", stop);
            var file = FileOf(options, id, style, pictures == 1 ? variant : $"{number}-{variant}", mediaType);
            await File.WriteAllBytesAsync(file, bytes, stop);
            files.Add(file);
        }
        return files;
    }

    /// <summary>Publishes the picture beside its original, and fetches what a listing needs of it.</summary>
    private static async Task<string> PublishAsync(GatewayClient gateway, string id, DemoOptions options, IAnsiConsole console, CancellationToken stop)
    {
        var published = await gateway.PutAsync($"/api/v1/stagings/{id}/images/1/disclosure", stop);
        console.MarkupLineInterpolated($"Published beside the original photo: {published["url"]}");
        var (bytes, mediaType) = await gateway.DownloadAsync((string)published["urls"]!["bundle"]!, stop);
        var file = FileOf(options, id, options.Style, "listing", mediaType);
        await File.WriteAllBytesAsync(file, bytes, stop);
        return file;
    }

    private static string FileOf(DemoOptions options, string id, string style, string what, string mediaType) =>
        Path.Combine(Path.GetFullPath(options.Output), $"{Path.GetFileNameWithoutExtension(options.Photo)}-{style}-{id[^6..]}-{what}{ExtensionOf(mediaType)}");

    private static string MediaTypeOf(string file) => Path.GetExtension(file).ToUpperInvariant() switch
    {
        ".JPG" or ".JPEG" => "image/jpeg",
        ".PNG" => "image/png",
        ".WEBP" => "image/webp",
        _ => "application/octet-stream",
    };

    private static string ExtensionOf(string mediaType) => mediaType switch
    {
        "image/jpeg" => ".jpg",
        "image/png" => ".png",
        "image/webp" => ".webp",
        "application/zip" => ".zip",
        _ => throw new ToolException($"The gateway delivered a file of the type '{mediaType}'."),
    };
}
