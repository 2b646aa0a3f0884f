namespace HomeStage.Simulators.Stripe.Wire;

/// <summary>Form-encoded parameters as the tree that their brackets describe: <c>line_items[0][price_data][currency]=usd</c>.</summary>
internal sealed class FormValue
{
    private readonly Dictionary<string, FormValue> _children = [];

    private FormValue(string path) => Path = path;

    /// <summary>Where it stands, as Stripe names it in errors.</summary>
    public string Path { get; }

    public string? Text { get; private set; }

    public IEnumerable<string> Names => _children.Keys;

    /// <summary>The members of a list, in the order in which they were sent.</summary>
    public IEnumerable<FormValue> Items => _children.Values;

    public FormValue? this[string name] => _children.GetValueOrDefault(name);

    public static FormValue Parse(IEnumerable<KeyValuePair<string, string>> pairs)
    {
        var root = new FormValue("");
        foreach (var (key, value) in pairs)
        {
            var at = root;
            foreach (var name in Segments(key))
                at = at.Child(name.Length == 0 ? at._children.Count.ToString() : name);
            at.Text = value;
        }
        return root;
    }

    public string? Optional(string name) => this[name]?.Text is { Length: > 0 } text ? text : null;

    public string Required(string name) => Optional(name) ?? throw StripeException.Missing(PathOf(name));

    public long? Integer(string name)
    {
        if (Optional(name) is not { } text)
            return null;
        return long.TryParse(text, out var number) ? number : throw StripeException.Invalid($"Invalid integer: {text}", PathOf(name), "parameter_invalid_integer");
    }

    public string? Choice(string name, params ReadOnlySpan<string> allowed)
    {
        if (Optional(name) is not { } text || allowed.Contains(text))
            return Optional(name);
        throw StripeException.Invalid($"Invalid {PathOf(name)}: must be one of {string.Join(", ", allowed.ToArray())}", PathOf(name));
    }

    public void AllowOnly(params ReadOnlySpan<string> known)
    {
        foreach (var name in Names)
        {
            if (!known.Contains(name))
                throw StripeException.Invalid($"Received unknown parameter: {PathOf(name)}", PathOf(name), "parameter_unknown");
        }
    }

    public string PathOf(string name) => Path.Length == 0 ? name : $"{Path}[{name}]";

    private FormValue Child(string name)
    {
        if (!_children.TryGetValue(name, out var child))
            _children[name] = child = new FormValue(PathOf(name));
        return child;
    }

    private static IEnumerable<string> Segments(string key)
    {
        var open = key.IndexOf('[', StringComparison.Ordinal);
        return open < 0 ? [key] : key[(open + 1)..].TrimEnd(']').Split("][").Prepend(key[..open]);
    }
}
