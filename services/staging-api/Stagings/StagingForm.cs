using System.Text.Json.Nodes;
using HomeStage.Staging.Catalog;

namespace HomeStage.Staging.Stagings;

/// <summary>
/// The body of <c>POST /api/v1/stagings</c> in the API document. <see cref="StagingRequest"/> reads the fields one by one, to say of each what
/// is wrong with it, so there is no type that could say this.
/// </summary>
internal static class StagingForm
{
    /// <summary>Says of the fields what the catalog allows, and that the photo may come with them.</summary>
    internal static void Describe(JsonObject operation)
    {
        var fields = new JsonObject
        {
            ["room"] = Choice("The kind of room.", StagingCatalog.Rooms.Select(room => room.Id)),
            ["style"] = Choice("The style of the furniture.", StagingCatalog.Styles.Select(style => style.Id)),
            ["prompt"] = new JsonObject { ["type"] = "string", ["maxLength"] = StagingCatalog.MaxWords, ["description"] = "Words of one's own." },
            ["declutter"] = new JsonObject { ["type"] = "boolean", ["default"] = false, ["description"] = "Whether what stands in the room goes first." },
            ["variations"] = new JsonObject { ["type"] = "integer", ["minimum"] = 1, ["maximum"] = StagingCatalog.MaxVariations, ["default"] = 1, ["description"] = "How many pictures." },
            ["quality"] = Choice("The quality of the pictures.", StagingCatalog.Qualities.Select(quality => quality.Id), StagingCatalog.DefaultQuality),
        };
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

    private static JsonObject Body(JsonObject fields, string photo, JsonObject schema)
    {
        var properties = fields.DeepClone().AsObject();
        properties.Insert(0, photo, schema);
        return new JsonObject
        {
            ["schema"] = new JsonObject { ["type"] = "object", ["required"] = new JsonArray(photo, "room", "style"), ["properties"] = properties, ["additionalProperties"] = false },
        };
    }

    private static JsonObject Choice(string text, IEnumerable<string> ids, string? usual = null)
    {
        var choice = new JsonObject { ["type"] = "string", ["enum"] = new JsonArray([.. ids.Select(id => JsonValue.Create(id))]), ["description"] = text };
        if (usual is not null)
            choice["default"] = usual;
        return choice;
    }
}
