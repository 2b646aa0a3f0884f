using HomeStage.Tool.Processes;
using HomeStage.Tool.Servers;

namespace HomeStage.Tool.Bench;

/// <summary>Debian's nginx, as an upstream that answers at once, and as the proxy that the gateway is compared with.</summary>
internal static class Nginx
{
    /// <summary>Answers every request with a kilobyte of JSON.</summary>
    public static Task<ChildProcess> AnswerAsync(int port, string folder, ProcessLedger ledger) => StartAsync("nginx-upstream", folder, ledger, $$"""
        server {
          listen 127.0.0.1:{{port}};
          default_type application/json;
          location / { return 200 '{"items":["{{new string('x', 1000)}}"]}'; }
        }
        """);

    /// <summary>Passes every request on over connections that it keeps, as one would who cares for speed.</summary>
    public static Task<ChildProcess> ProxyAsync(int port, int upstream, string folder, ProcessLedger ledger) => StartAsync("nginx-proxy", folder, ledger, $$"""
        upstream answering { server 127.0.0.1:{{upstream}}; keepalive 64; }
        server {
          listen 127.0.0.1:{{port}};
          location / {
            proxy_pass http://answering;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
          }
        }
        """);

    private static async Task<ChildProcess> StartAsync(string name, string folder, ProcessLedger ledger, string http)
    {
        var own = Path.Combine(folder, name);
        Directory.CreateDirectory(own);
        var file = Path.Combine(own, "nginx.conf");
        await File.WriteAllTextAsync(file, $$"""
            {{(ServerAccount.IsRoot ? "user root;" : "")}}
            daemon off;
            pid {{own}}/nginx.pid;
            worker_processes auto;
            error_log stderr;
            events { worker_connections 4096; }
            http {
              access_log off;
              keepalive_requests 1000000;
              client_body_temp_path {{own}}/body;
              proxy_temp_path {{own}}/proxy;
              fastcgi_temp_path {{own}}/fastcgi;
              uwsgi_temp_path {{own}}/uwsgi;
              scgi_temp_path {{own}}/scgi;
              {{http}}
            }
            """);
        return await ChildProcess.StartAsync(
            new ProcessSpec(name, Executables.OnPath("nginx")!, ["-c", file, "-p", own, "-e", "stderr"])
            {
                Environment = new Dictionary<string, string>(StringComparer.Ordinal),
                LogFile = Path.Combine(folder, name + ".log"),
            },
            ledger);
    }
}
