using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace HomeStage.Hosting.Description;

/// <summary>
/// The part of the API document that a service knows: its public routes as OpenAPI 3.1, from their signatures, their metadata
/// (<see cref="Described"/>) and the docstrings of their types. Made by the mode <c>describe</c>, never while serving.
/// </summary>
internal sealed class ApiDescription
{
    private const string Document = "v1";
    private static readonly string[] Public = ["api/", "auth/", "d/", "webhooks/"];
    private static readonly string[] Internal = ["View", "Answer"];

    private readonly Dictionary<string, JsonTypeInfo> _types = new(StringComparer.Ordinal);
    private readonly XmlDocs _docs = new();

    /// <summary>A type's name in the document: without what makes it different from the entity of the same name.</summary>
    internal static string NameOf(Type type)
    {
        var name = type.IsGenericType ? type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)] : type.Name;
        if (Internal.FirstOrDefault(end => name.EndsWith(end, StringComparison.Ordinal) && name.Length > end.Length) is { } suffix)
            name = name[..^suffix.Length];
        return type.IsGenericType ? $"{name}Of{string.Concat(type.GetGenericArguments().Select(NameOf))}" : name;
    }

    internal void AddTo(IServiceCollection services) => services.AddOpenApi(Document, options =>
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        options.ShouldInclude = IsPublic;
        options.CreateSchemaReferenceId = type => OpenApiOptions.CreateDefaultSchemaReferenceId(type) is null ? null : NameOf(type.Type);
        options.AddSchemaTransformer((_, context, _) =>
        {
            if (context.JsonTypeInfo.Kind == JsonTypeInfoKind.Object)
                _types[NameOf(context.JsonTypeInfo.Type)] = context.JsonTypeInfo;
            return Task.CompletedTask;
        });
        options.AddOperationTransformer(DescribeByHandAsync);
    });

    /// <summary>The document of a service whose routes are mapped.</summary>
    internal async Task<JsonObject> OfAsync(WebApplication app, CancellationToken cancellationToken)
    {
        var document = await app.Services.GetRequiredKeyedService<IOpenApiDocumentProvider>(Document).GetOpenApiDocumentAsync(cancellationToken);
        var json = JsonNode.Parse(await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, cancellationToken))!.AsObject();
        foreach (var (name, schema) in json["components"]?["schemas"]?.AsObject() ?? [])
        {
            if (_types.TryGetValue(name, out var type) && schema is JsonObject { Count: > 0 } text)
                Explain(text, type);
        }

        var described = app.Services.GetRequiredService<IApiDescriptionGroupCollectionProvider>().ApiDescriptionGroups.Items.SelectMany(group => group.Items).Where(IsPublic);
        foreach (var endpoint in described)
        {
            // A route may say what its parameters must be ({id:guid}); the document names them only.
            var path = json["paths"]!.AsObject().Single(one => one.Key.TrimEnd('/') == "/" + PlainPath(endpoint.RelativePath!)).Value!;
            var operation = path[endpoint.HttpMethod!.ToLowerInvariant()]!.AsObject();
            operation.Remove("tags");
            foreach (var text in endpoint.ActionDescriptor.EndpointMetadata.OfType<OperationText>())
                text.Say(operation);
        }

        Prune(json);
        return json;
    }

    private static string PlainPath(string path) =>
        string.Join('/', path.TrimEnd('/').Split('/').Select(part => part is ['{', ..] ? part.Split(':')[0].TrimEnd('}') + "}" : part));

    private static bool IsPublic(Microsoft.AspNetCore.Mvc.ApiExplorer.ApiDescription endpoint) =>
        Public.Any(start => endpoint.RelativePath?.StartsWith(start, StringComparison.Ordinal) is true);

    private static async Task DescribeByHandAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        foreach (var body in metadata.OfType<TakenBody>())
        {
            var schema = await ReferenceAsync(body.Type, context, cancellationToken);
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = true,
                Content = body.MediaTypes.ToDictionary(type => type, _ => new OpenApiMediaType { Schema = schema }, StringComparer.Ordinal),
            };
        }
    }

    private static async Task<OpenApiSchemaReference> ReferenceAsync(Type type, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var name = NameOf(type);
        var document = context.Document!;
        if (document.Components?.Schemas?.ContainsKey(name) is not true)
            document.AddComponent(name, await context.GetOrCreateSchemaAsync(type, null, cancellationToken));
        return new OpenApiSchemaReference(name, document);
    }

    /// <summary>Says of a type's members what they are for, which of them are always there, and which words they may be.</summary>
    private void Explain(JsonObject schema, JsonTypeInfo type)
    {
        if (_docs.Of(type.Type) is { } about)
            schema["description"] = about;
        // What a caller sends may leave out whatever has a default; what we answer says null where there is nothing.
        var taken = type.Type.Name.EndsWith("Request", StringComparison.Ordinal) || type.Type.Name.EndsWith("Form", StringComparison.Ordinal);
        var required = new JsonArray();
        foreach (var property in type.Properties)
        {
            if (schema["properties"]?[property.Name] is not JsonObject said || property.AttributeProvider is not PropertyInfo member)
                continue;
            if (_docs.Of(member) is { } text)
                said["description"] = text;
            if (member.GetCustomAttribute<AllowedValuesAttribute>() is { } words)
                Target(said)["enum"] = new JsonArray([.. words.Values.Select(word => JsonValue.Create((string?)word))]);
            var present = taken
                ? member.IsDefined(typeof(RequiredAttribute)) || (!property.IsSetNullable && property.AssociatedParameter?.HasDefaultValue is not true)
                : member.GetCustomAttribute<JsonIgnoreAttribute>() is null;
            if (present)
                required.Add(property.Name);
            if (taken || !present)
                Unnull(said);
        }

        schema.Remove("required");
        if (required.Count > 0)
            schema["required"] = required;
    }

    /// <summary>Forgets schemas that nothing refers to any more.</summary>
    private static void Prune(JsonObject document)
    {
        var text = document.ToJsonString();
        if (document["components"]?["schemas"] is JsonObject schemas)
        {
            foreach (var name in schemas.Select(schema => schema.Key).Where(name => !text.Contains($"\"#/components/schemas/{name}\"", StringComparison.Ordinal)).ToList())
                schemas.Remove(name);
        }
    }

    private static JsonObject Target(JsonObject said) => said["items"] as JsonObject ?? said;

    private static void Unnull(JsonObject said)
    {
        if (said["type"] is JsonArray types)
            said["type"] = types.Single(one => (string?)one != "null")!.DeepClone();
        if (said["oneOf"] is JsonArray { Count: 2 } choices && choices[1] is JsonObject other && other.ContainsKey("$ref"))
        {
            said.Remove("oneOf");
            said["$ref"] = other["$ref"]!.DeepClone();
        }
    }
}
