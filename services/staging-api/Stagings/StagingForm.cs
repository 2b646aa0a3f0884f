using System.Text.Json.Nodes;
using HomeStage.Catalog;

namespace HomeStage.Staging.Stagings;

/// <summary>
/// The bodies of <c>POST /api/v1/stagings</c> and of <c>…/regenerate</c> in the API document. <see cref="StagingRequest"/> reads the fields one by one, to say of each what
/// is wrong with it, so there is no type that could say this.
/// </summary>
internal static class StagingForm
{
    /// <summary>Says of the fields what the catalog allows, and that the photo may come with them.</summary>
    internal static void Describe(JsonObject operation)
    {
        var fields = Fields(withDefaults: true);
        var id = new JsonObject { ["type"] = "string", ["format"] = "uuid", ["description"] = "What `POST /api/v1/photos` answered." };
        var bytes = new JsonObject { ["type"] = "string", ["contentMediaType"] = "application/octet-stream", ["description"] = "The photo's bytes." };
        var json = Body(fields, "photoId", id);
        json["example"] = new JsonObject { ["photoId"] = "019aac12-61d0-7ab4-8f0c-3f9d2f7b5e10", ["room"] = "living_room", ["style"] = "scandinavian", ["quality"] = "standard" };
        operation["requestBody"] = new JsonObject
        {
            ["required"] = true,
            ["content"] = new JsonObject { ["application/json"] = json, ["multipart/form-data"] = Body(fields, "photo", bytes) },
        };
    }

    /// <summary>Says of the fields what the catalog allows; what is left out is as it was.</summary>
    internal static void DescribeChange(JsonObject operation) => operation["requestBody"] = new JsonObject
    {
        ["required"] = true,
        ["content"] = new JsonObject
        {
            ["application/json"] = new JsonObject
            {
                ["schema"] = new JsonObject { ["type"] = "object", ["properties"] = Fields(withDefaults: false), ["additionalProperties"] = false },
                ["example"] = new JsonObject { ["style"] = "japandi", ["quality"] = "high" },
            },
        },
    };

    internal static JsonObject Fields(bool withDefaults)
    {
        var fields = new JsonObject
        {
            ["room"] = Choice("The kind of room.", Catalogue.Rooms.Select(room => room.Id)),
            ["style"] = Choice("The style of the furniture.", Catalogue.Styles.Select(style => style.Id)),
            ["prompt"] = new JsonObject { ["type"] = OrNull("string"), ["maxLength"] = Catalogue.MaxWords, ["description"] = "Words of one's own." },
            ["declutter"] = new JsonObject { ["type"] = "boolean", ["description"] = "Whether what stands in the room goes first." },
            ["variations"] = new JsonObject { ["type"] = "integer", ["minimum"] = 1, ["maximum"] = Catalogue.MaxVariations, ["description"] = "How many pictures." },
            ["quality"] = Choice("The quality of the pictures.", Catalogue.Qualities.Select(quality => quality.Id)),
            ["format"] = Choice("What the pictures' files are.", Catalogue.Formats),
            ["size"] = new JsonObject { ["type"] = OrNull("string"), ["pattern"] = "^[1-9][0-9]*x[1-9][0-9]*$", ["description"] = "The size that the model draws at, one of `options.sizes` of the catalog; the result has the photo's shape in any case. The nearest in shape to the photo unless asked." },
            ["seed"] = new JsonObject { ["type"] = OrNull("integer"), ["minimum"] = 0, ["maximum"] = int.MaxValue, ["description"] = "Where the catalog says that there are seeds: the same seed and choices give similar pictures." },
        };
        if (withDefaults)
        {
            fields["declutter"]!["default"] = false;
            fields["variations"]!["default"] = 1;
            fields["quality"]!["default"] = Catalogue.DefaultQuality;
            fields["format"]!["default"] = ImageModel.DefaultFormat;
        }

        return fields;
    }

    // Null is none, also where an earlier staging had one.
    private static JsonArray OrNull(string type) => [type, "null"];

    private static JsonObject Body(JsonObject fields, string photo, JsonObject schema)
    {
        var properties = fields.DeepClone().AsObject();
        properties.Insert(0, photo, schema);
        return new JsonObject
        {
            ["schema"] = new JsonObject { ["type"] = "object", ["required"] = new JsonArray(photo, "room", "style"), ["properties"] = properties, ["additionalProperties"] = false },
        };
    }

    internal static JsonObject Choice(string text, IEnumerable<string> ids) =>
        new() { ["type"] = "string", ["enum"] = new JsonArray([.. ids.Select(id => JsonValue.Create(id))]), ["description"] = text };
}
