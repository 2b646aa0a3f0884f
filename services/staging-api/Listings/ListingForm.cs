using System.Text.Json.Nodes;
using HomeStage.Catalog;
using HomeStage.Staging.Stagings;

namespace HomeStage.Staging.Listings;

/// <summary>The body of <c>POST /api/v1/listings</c> in the API document; <see cref="ListingRequest"/> reads it field by field.</summary>
internal static class ListingForm
{
    internal static void Describe(JsonObject operation)
    {
        var fields = StagingForm.Fields(withDefaults: true);
        fields.Remove("room");
        fields.Insert(0, "photos", new JsonObject
        {
            ["type"] = "array",
            ["minItems"] = 1,
            ["maxItems"] = Listing.MaxPhotos,
            ["description"] = "The photos in their order, each once.",
            ["items"] = new JsonObject
            {
                ["type"] = "object",
                ["required"] = new JsonArray("photoId", "room"),
                ["properties"] = new JsonObject
                {
                    ["photoId"] = new JsonObject { ["type"] = "string", ["format"] = "uuid", ["description"] = "What `POST /api/v1/photos` answered." },
                    ["room"] = StagingForm.Choice("The kind of room.", Catalogue.Rooms.Select(room => room.Id)),
                },
                ["additionalProperties"] = false,
            },
        });
        var take = StagingForm.Choice("What to do if the credits do not suffice for all: nothing, or as many as they do, in the list's order.", [ListingTake.All, ListingTake.AsMany]);
        take["default"] = ListingTake.All;
        fields["take"] = take;
        fields["name"] = new JsonObject { ["type"] = "string", ["maxLength"] = Listing.MaxName, ["description"] = "What you call it." };
        operation["requestBody"] = new JsonObject
        {
            ["required"] = true,
            ["content"] = new JsonObject
            {
                ["application/json"] = new JsonObject
                {
                    ["schema"] = new JsonObject { ["type"] = "object", ["required"] = new JsonArray("photos", "style"), ["properties"] = fields, ["additionalProperties"] = false },
                    ["example"] = new JsonObject
                    {
                        ["photos"] = new JsonArray(
                            new JsonObject { ["photoId"] = "019aac12-61d0-7ab4-8f0c-3f9d2f7b5e10", ["room"] = "living_room" },
                            new JsonObject { ["photoId"] = "019aac12-6f02-7c11-9a4e-5b1d0c6e7f21", ["room"] = "bedroom" }),
                        ["style"] = "scandinavian",
                        ["take"] = ListingTake.AsMany,
                        ["name"] = "12 Elm Street",
                    },
                },
            },
        };
    }
}
