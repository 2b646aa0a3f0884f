using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace HomeStage.Hosting.Description;

/// <summary>The docstrings of types and their members as Markdown, from the files that the compiler writes beside the assemblies.</summary>
internal sealed partial class XmlDocs
{
    private readonly Dictionary<Assembly, Dictionary<string, XElement>> _files = [];

    /// <summary>What a type says of itself; null if nothing.</summary>
    internal string? Of(Type type) => Member("T:" + IdOf(type), type.Assembly) is { } member ? Text(member.Element("summary")) : null;

    /// <summary>What a member says of itself: a parameter of its record, or a property.</summary>
    internal string? Of(PropertyInfo property)
    {
        var type = property.DeclaringType!;
        return Member("T:" + IdOf(type), type.Assembly)?.Elements("param").FirstOrDefault(param => (string?)param.Attribute("name") == property.Name) is { } param
            ? Text(param)
            : Text(Member($"P:{IdOf(type)}.{property.Name}", type.Assembly)?.Element("summary"));
    }

    private static string IdOf(Type type) => (type.IsGenericType ? type.GetGenericTypeDefinition() : type).FullName!.Replace('+', '.');

    private XElement? Member(string id, Assembly assembly)
    {
        if (!_files.TryGetValue(assembly, out var members))
        {
            var file = Path.ChangeExtension(assembly.Location, ".xml");
            members = File.Exists(file)
                ? XDocument.Load(file).Descendants("member").ToDictionary(member => (string)member.Attribute("name")!, StringComparer.Ordinal)
                : [];
            _files[assembly] = members;
        }

        return members.GetValueOrDefault(id);
    }

    private static string? Text(XElement? element)
    {
        if (element is null)
            return null;
        var text = string.Concat(element.Nodes().Select(node => node switch
        {
            XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
            XElement { Name.LocalName: "paramref" } parameter => $"`{JsonNamingPolicy.CamelCase.ConvertName((string)parameter.Attribute("name")!)}`",
            XElement { Name.LocalName: "see" } see => $"`{((string)see.Attribute("cref")!).Split('.', ':')[^1]}`",
            XElement other => other.Value,
            var plain => plain.ToString(),
        }));
        return Blanks.Replace(System.Net.WebUtility.HtmlDecode(text), " ").Trim() is { Length: > 0 } said ? said : null;
    }

    [GeneratedRegex(@"\s+", RegexOptions.NonBacktracking)]
    private static partial Regex Blanks { get; }
}
