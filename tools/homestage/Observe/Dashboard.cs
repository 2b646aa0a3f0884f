using System.Text.Encodings.Web;
using System.Text.Json;

namespace HomeStage.Tool.Observe;

/// <summary>A graph, or a number.</summary>
/// <param name="Title">What it answers.</param>
/// <param name="Unit">Grafana's unit: short, s, percentunit, bytes, reqps.</param>
/// <param name="Queries">PromQL with the legend of its series.</param>
internal sealed record Panel(string Title, string Unit, params (string Query, string Legend)[] Queries)
{
    /// <summary>Whether the newest value alone is shown.</summary>
    public bool IsNumber { get; init; }

    public static Panel Number(string title, string unit, string query) => new(title, unit, (query, title)) { IsNumber = true };
}

/// <summary>A dashboard of Grafana's, three panels to a row. The data source is chosen where it is imported.</summary>
/// <param name="Id">Its file's name and its address in Grafana.</param>
/// <param name="Title">As people see it.</param>
/// <param name="Panels">From top left.</param>
internal sealed record Dashboard(string Id, string Title, params Panel[] Panels)
{
    private const int Columns = 3;
    private const int Width = 8;
    private const int Height = 7;

    private static readonly JsonSerializerOptions Writing = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly object Prometheus = new { type = "prometheus", uid = "${datasource}" };

    public string Json() => JsonSerializer.Serialize(
        new
        {
            uid = "homestage-" + Id,
            title = "HomeStage: " + Title,
            tags = new[] { "homestage" },
            schemaVersion = 38,
            editable = false,
            refresh = "30s",
            time = new { from = "now-6h", to = "now" },
            templating = new { list = new[] { new { name = "datasource", label = "Prometheus", type = "datasource", query = "prometheus" } } },
            panels = Panels.Select(Render),
        },
        Writing) + "\n";

    private static object Render(Panel panel, int index) => new
    {
        id = index + 1,
        title = panel.Title,
        type = panel.IsNumber ? "stat" : "timeseries",
        datasource = Prometheus,
        gridPos = new { h = Height, w = Width, x = index % Columns * Width, y = index / Columns * Height },
        fieldConfig = new { defaults = new { unit = panel.Unit, min = 0 }, overrides = Array.Empty<object>() },
        targets = panel.Queries.Select((query, place) => new
        {
            refId = ((char)('A' + place)).ToString(),
            datasource = Prometheus,
            expr = query.Query,
            legendFormat = query.Legend,
        }),
    };
}
