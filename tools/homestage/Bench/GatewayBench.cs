using System.Collections.Concurrent;
using System.Net;
using HomeStage.Tool.Deployments;
using HomeStage.Tool.Processes;
using HomeStage.Tool.Servers;
using HomeStage.Tool.Up;
using Spectre.Console;

namespace HomeStage.Tool.Bench;

/// <summary>
/// What the gateway adds to a request, in time of the processor, beside YARP alone and nginx in front of the same upstream (ADR 10); what the
/// limits cost, with and without a flood; and how exact two gateways together keep one limit. Time of the processor means the same on a busy machine.
/// </summary>
internal static class GatewayBench
{
    private const int Clients = 16;

    // Requests a minute and at once, and what arrives: enough that the limit is leased, and three times of it.
    private const int Limit = 1200;
    private const int Burst = 100;
    private const double Arrivals = 3.0 * Limit / 60;

    private const string Public = "/api/v1/plans";
    private const string Personal = "/api/v1/orders";

    // Until the compiler has made the best of what is used most.
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(40);

    private static readonly (string, string) NoLimits = ("LIMITS", "off");
    private static readonly (string, string) WideLimit = ("LIMIT_API", "1000000/min burst 100000");
    private static readonly (string, string) NarrowLimit = ("LIMIT_API", $"{Limit}/min burst {Burst}");

    public static async Task<IReadOnlyList<Figure>> RunAsync(Stack stack, DataFolder data, TimeSpan length, IAnsiConsole console, CancellationToken cancel)
    {
        var (upstream, proxy) = (FreePorts.Next(), FreePorts.Next());
        var answering = await Nginx.AnswerAsync(upstream, data.Logs, data.Ledger);
        var nginx = await Nginx.ProxyAsync(proxy, upstream, data.Logs, data.Ledger);
        try
        {
            var scene = new Scene(stack, data, upstream, length, console);
            await Answers.UntilOkAsync(new Uri($"http://127.0.0.1:{proxy}/"), cancel);
            console.WriteLine("nginx…");
            var bare = await scene.MeasureAsync($"http://127.0.0.1:{proxy}", () => nginx.Id, Public, cookie: null, cancel);

            console.WriteLine("YARP alone…");
            var yarp = await scene.WithYarpAsync((url, id) => scene.MeasureAsync(url, () => id, Public, cookie: null, cancel), cancel);

            console.WriteLine("The gateway without sessions and limits…");
            var open = await scene.WithGatewaysAsync(1, [NoLimits], gateways => scene.MeasureAsync(gateways[0], Public, cancel), cancel);
            console.WriteLine("With sessions…");
            var unlimited = await scene.WithGatewaysAsync(1, [NoLimits], gateways => scene.MeasureAsync(gateways[0], Personal, cancel), cancel);
            console.WriteLine("With sessions and limits…");
            var limited = await scene.WithGatewaysAsync(1, [WideLimit], gateways => scene.MeasureAsync(gateways[0], Personal, cancel), cancel);
            console.WriteLine("In a flood…");
            var flood = await scene.WithGatewaysAsync(1, [NarrowLimit], gateways => scene.MeasureAsync(gateways[0], Personal, cancel), cancel);
            console.WriteLine("Two gateways, one limit…");
            var (passed, ideal) = await scene.WithGatewaysAsync(
                2, [NarrowLimit, ("GATEWAY_REPLICAS", "2")], gateways => scene.CompareAsync(gateways, cancel), cancel);
            return
            [
                new("nginx, processor time a request", bare.Cpu.TotalMicroseconds, " µs"),
                new("YARP alone, processor time a request", yarp.Cpu.TotalMicroseconds, " µs"),
                new("the gateway's proxy against nginx", open.Cpu / bare.Cpu, ""),
                new("the gateway's proxy against YARP alone", open.Cpu / yarp.Cpu, "", AtMost: 1.3),
                new("with session, limits, headers and identity against YARP alone", limited.Cpu / yarp.Cpu, "", AtMost: 2.0),
                new("p99 of nginx", bare.Load.P99.TotalMilliseconds, " ms"),
                new("p99 of YARP alone", yarp.Load.P99.TotalMilliseconds, " ms"),
                new("p99 with session, limits, headers and identity", limited.Load.P99.TotalMilliseconds, " ms"),
                new("limits against none", limited.Cpu / unlimited.Cpu, "", AtMost: 1.1),
                new("calls to Redis a request", limited.RedisCalls, "", AtMost: 0.05),
                new("flood, times the limit", flood.Load.PerSecond * 60 / Limit, "", AtLeast: 50),
                new("flood against no limits", flood.Cpu / unlimited.Cpu, "", AtMost: 1.1),
                new("flood, calls to Redis a request", flood.RedisCalls, "", AtMost: 0.05),
                new("passed above one ideal limit", Math.Max(0, passed - ideal) / (double)ideal, "", AtMost: 0.01),
                new("refused below one ideal limit", Math.Max(0, ideal - passed) / (double)ideal, "", AtMost: 0.1),
            ];
        }
        finally
        {
            await nginx.StopAsync();
            await answering.StopAsync();
        }
    }

    /// <summary>What a load came to.</summary>
    /// <param name="Load">As the client saw it.</param>
    /// <param name="Cpu">Of the server, for each request.</param>
    /// <param name="RedisCalls">Scripts that Redis ran, for each request.</param>
    private sealed record Measured(LoadResult Load, TimeSpan Cpu, double RedisCalls);

    private sealed class Scene(Stack stack, DataFolder data, int upstream, TimeSpan length, IAnsiConsole console)
    {
        /// <summary>Starts gateways of their own with these settings, in front of the upstream that answers at once.</summary>
        public async Task<T> WithGatewaysAsync<T>(int count, (string Name, string Value)[] settings, Func<RunningProcess[], Task<T>> use, CancellationToken cancel)
        {
            var plan = stack.Deployment.Services.First(process => process.Program == "gateway");
            var gateways = Enumerable.Range(1, count).Select(number => new RunningProcess(Changed(plan, number, settings), data.Logs, data.Ledger)).ToArray();
            try
            {
                foreach (var gateway in gateways)
                    await gateway.StartAsync();
                foreach (var gateway in gateways)
                    await gateway.UntilReadyAsync(cancel);
                return await use(gateways);
            }
            finally
            {
                await Task.WhenAll(gateways.Select(gateway => gateway.StopAsync()));
            }
        }

        /// <summary>Starts YARP alone in front of the same upstream.</summary>
        public async Task<T> WithYarpAsync<T>(Func<string, int, Task<T>> use, CancellationToken cancel)
        {
            var url = $"http://127.0.0.1:{FreePorts.Next()}";
            var yarp = await BareServer.StartAsync(BareProxy.Command, data, (BareProxy.UrlSetting, url), (BareProxy.UpstreamSetting, $"http://127.0.0.1:{upstream}"));
            try
            {
                await Answers.UntilOkAsync(new Uri(url), cancel);
                return await use(url, yarp.Id);
            }
            finally
            {
                await yarp.StopAsync();
            }
        }

        /// <summary>As many requests as it can answer, after as many to warm up.</summary>
        public async Task<Measured> MeasureAsync(RunningProcess gateway, string path, CancellationToken cancel)
        {
            var cookie = path == Personal ? await CookieAsync(gateway, cancel) : null;
            return await MeasureAsync(gateway.Settings["HTTP_URL"], () => gateway.Id, path, cookie, cancel);
        }

        public async Task<Measured> MeasureAsync(string url, Func<int> process, string path, string? cookie, CancellationToken cancel)
        {
            using var client = Client(url, cookie);
            var count = 0L;
            async Task RequestAsync(int _, CancellationToken stop)
            {
                using var answer = await client.GetAsync(new Uri(path, UriKind.Relative), stop);
                if (answer.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.TooManyRequests))
                    answer.EnsureSuccessStatusCode();
                Interlocked.Increment(ref count);
            }

            await Load.ClosedAsync(Clients, TimeSpan.Zero, WarmUp, RequestAsync, cancel);
            var (countBefore, cpuBefore, callsBefore) = (count, ProcessTable.CpuOf(process()), await RedisScriptsAsync(cancel));
            var load = (await Load.ClosedAsync(Clients, TimeSpan.Zero, length, RequestAsync, cancel)).RequireAll(url);
            var requests = count - countBefore;
            var cpu = (ProcessTable.CpuOf(process()) - cpuBefore) / requests;
            var calls = (await RedisScriptsAsync(cancel) - callsBefore) / (double)requests;
            console.WriteLine($"  {load.PerSecond:0}/s, {cpu.TotalMicroseconds:0} µs of the processor each");
            return new(load, cpu, calls);
        }

        /// <summary>Sends more than the limit to two gateways in turn; gives what passed, and what would have at one bucket that sees the same arrivals.</summary>
        public async Task<(int Passed, int Ideal)> CompareAsync(RunningProcess[] gateways, CancellationToken cancel)
        {
            var cookie = await CookieAsync(gateways[0], cancel);
            var clients = gateways.Select(gateway => Client(gateway.Settings["HTTP_URL"], cookie)).ToArray();
            try
            {
                // What is slow only at the start is no matter of limits. Then until the whole burst is back.
                foreach (var client in clients)
                    await Load.OpenAsync(Arrivals, TimeSpan.Zero, WarmUp / 4, stop => AskAsync(client, stop), cancel);
                await Task.Delay(TimeSpan.FromMinutes((double)Burst / Limit), cancel);

                var arrivals = new ConcurrentQueue<TimeSpan>();
                var passed = 0;
                var began = TimeProvider.System.GetTimestamp();
                async Task RequestAsync(CancellationToken stop)
                {
                    arrivals.Enqueue(TimeProvider.System.GetElapsedTime(began));
                    if (await AskAsync(clients[Random.Shared.Next(clients.Length)], stop))
                        Interlocked.Increment(ref passed);
                }

                await Load.OpenAsync(Arrivals, TimeSpan.Zero, length * 2, RequestAsync, cancel);
                return (passed, IdealOf(arrivals));
            }
            finally
            {
                foreach (var client in clients)
                    client.Dispose();
            }
        }

        private static async Task<bool> AskAsync(HttpClient client, CancellationToken stop)
        {
            using var answer = await client.GetAsync(new Uri(Personal, UriKind.Relative), stop);
            return answer.IsSuccessStatusCode;
        }

        private static int IdealOf(IEnumerable<TimeSpan> arrivals)
        {
            var (tokens, last, passed) = ((double)Burst, TimeSpan.Zero, 0);
            foreach (var arrival in arrivals.Order())
            {
                tokens = Math.Min(Burst, tokens + ((arrival - last).TotalMinutes * Limit));
                last = arrival;
                if (tokens < 1)
                    continue;
                tokens--;
                passed++;
            }

            return passed;
        }

        private ProcessPlan Changed(ProcessPlan plan, int number, (string Name, string Value)[] settings)
        {
            var (url, management) = ($"http://127.0.0.1:{FreePorts.Next()}", $"http://127.0.0.1:{FreePorts.Next()}");
            var changed = new Dictionary<string, string>(plan.Settings, StringComparer.Ordinal) { ["HTTP_URL"] = url, ["MANAGEMENT_URL"] = management, ["BILLING_URL"] = $"http://127.0.0.1:{upstream}" };
            changed.Remove("BILLING_HEALTH_URL");
            // Development has a page of errors for programmers in front of everything; Production would want certificates.
            changed["ASPNETCORE_ENVIRONMENT"] = "Benchmark";
            foreach (var (name, value) in settings)
                changed[name] = value;
            return plan with { Name = $"bench-gateway-{number}", Settings = changed, Ready = new Uri(management + "/health/ready") };
        }

        private static async Task<string> CookieAsync(RunningProcess gateway, CancellationToken cancel)
        {
            using var client = Client(gateway.Settings["HTTP_URL"], cookie: null);
            using var answer = await client.GetAsync(new Uri("/api/v1/session", UriKind.Relative), cancel);
            answer.EnsureSuccessStatusCode();
            return answer.Headers.GetValues("Set-Cookie").First().Split(';')[0];
        }

        private static HttpClient Client(string url, string? cookie)
        {
            var client = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = new Uri(url) };
            if (cookie is not null)
                client.DefaultRequestHeaders.Add("Cookie", cookie);
            return client;
        }

        /// <summary>How many scripts Redis has run.</summary>
        private async Task<long> RedisScriptsAsync(CancellationToken cancel)
        {
            await using var redis = await RedisLine.ConnectAsync(stack.Servers.Facts.Redis!, cancel);
            return (await redis.AskAsync("INFO commandstats", cancel)).Split("\r\n")
                .Where(line => line.StartsWith("cmdstat_eval", StringComparison.Ordinal))
                .Sum(line => long.Parse(line.Split("calls=")[1].Split(',')[0], System.Globalization.CultureInfo.InvariantCulture));
        }
    }
}
