namespace HomeStage.Worker.Prompting;

/// <summary>What the stager knows about one kind of room.</summary>
internal sealed record RoomRules
{
    /// <summary>The room in plain words with its article.</summary>
    public required string Name { get; init; }

    /// <summary>What it is furnished with, most important first.</summary>
    public required IReadOnlyList<string> Belongs { get; init; }

    /// <summary>Where nothing may stand in this kind of room.</summary>
    public required IReadOnlyList<string> KeepFree { get; init; }

    /// <summary>How big things are, in centimetres.</summary>
    public required IReadOnlyList<string> Sizes { get; init; }

    /// <summary>What is particular about the light.</summary>
    public required string Light { get; init; }

    private static readonly IReadOnlyDictionary<string, RoomRules> All = new Dictionary<string, RoomRules>(StringComparer.Ordinal)
    {
        ["living_room"] = new()
        {
            Name = "a living room",
            Belongs =
            [
                "a sofa as the main piece, facing the focal point of the room (fireplace, window or longest free wall)",
                "one or two armchairs that close the seating group, a coffee table in its middle, a rug under the front legs of all seats",
                "a low media console or a bookshelf on a free wall, side tables, a floor lamp, one or two pictures, a plant",
            ],
            KeepFree = ["between the seating group and the door", "in front of the fireplace and on its hearth", "in front of a terrace door"],
            Sizes = ["sofa 200 to 240 wide and 85 to 95 deep, seat 45 high", "coffee table 40 high, 40 to 50 from the sofa", "rug at least as wide as the sofa"],
            Light = "floor and table lamps may be lit warmly, but stay weaker than the daylight",
        },
        ["bedroom"] = new()
        {
            Name = "a bedroom",
            Belongs =
            [
                "one made bed with its headboard against a solid wall, away from the door's line where the room allows",
                "a night table with a lamp on each side that has the space, a rug beside or under the bed",
                "a chest of drawers or a wardrobe on a free wall, curtains only beside existing windows, one picture above the headboard",
            ],
            KeepFree = ["in front of wardrobe and closet doors", "within 60 cm of the bed's open sides"],
            Sizes = ["double bed 160 to 180 by 200, mattress top 50 to 60 high; a single bed of 90 where the room is under 10 square metres", "night tables as high as the mattress"],
            Light = "calm and even; bedside lamps may glow softly",
        },
        ["kitchen"] = new()
        {
            Name = "a kitchen",
            Belongs =
            [
                "the existing cabinets, worktop, sink, hob and appliances unchanged: a kitchen is dressed, not rebuilt",
                "a few things on the worktop: a bowl of fruit, a board, a plant of herbs, one small appliance",
                "stools at an existing bar or island; a small table with chairs only where free floor is left for it",
            ],
            KeepFree = ["in front of cabinet, oven, refrigerator and dishwasher doors", "on the hob and in the sink", "in the 100 cm between facing runs of cabinets"],
            Sizes = ["worktop 90 high, bar stools with a seat of 65, table 75 high", "things on the worktop under 40 high and below the wall cabinets"],
            Light = "worktops bright and clear; highlights on metal and stone follow the window",
        },
        ["bathroom"] = new()
        {
            Name = "a bathroom",
            Belongs =
            [
                "the existing basin, bath, shower, toilet, tiles and taps unchanged",
                "folded towels, a bath mat, a soap dispenser, a small plant or a candle",
                "a mirror above the basin only where there is none, a slim shelf or stool where floor is free",
            ],
            KeepFree = ["inside the shower and the bath", "in front of the toilet and within 20 cm of its sides", "in the arc of the shower door"],
            Sizes = ["hand towels 50 by 100, bath mat 50 by 80", "nothing deeper than 35 on the floor"],
            Light = "clean and neutral; mirrors and glass show only what is really in front of them",
        },
        ["dining_room"] = new()
        {
            Name = "a dining room",
            Belongs =
            [
                "one dining table in the middle of the free floor, or centred under an existing ceiling lamp",
                "chairs on both long sides, all of one kind, pushed in evenly; a rug that reaches 60 cm beyond the table",
                "a sideboard on a free wall with one picture or mirror above it; a simple centrepiece on the table",
            ],
            KeepFree = ["within 90 cm around the table where chairs are drawn back", "between the table and the door to where food comes from"],
            Sizes = ["table 75 high and 90 to 100 deep, 60 of its edge for each chair", "chair seat 45 high, sideboard 80 high and 45 deep"],
            Light = "the table is the brightest place; a lamp above it may be lit",
        },
        ["office"] = new()
        {
            Name = "a home office",
            Belongs =
            [
                "one desk, at a right angle to the window where the room allows, so that nobody is dazzled",
                "an office chair, a desk lamp, a closed laptop or a few books on the desk",
                "a bookshelf or a low cabinet on a free wall, a reading chair if there is space, a plant, a picture",
            ],
            KeepFree = ["within 90 cm behind the desk", "in front of cabinet doors and network or power outlets"],
            Sizes = ["desk 75 high, 120 to 160 wide and 70 to 80 deep", "shelves 30 to 35 deep and at most 200 high"],
            Light = "bright and cool enough to work by, without glare on the desk",
        },
        ["entryway"] = new()
        {
            Name = "an entryway",
            Belongs =
            [
                "a slim console table or a bench on one wall, with a mirror or picture above it",
                "a few hooks or a slim coat rack, a runner rug along the way, a bowl for keys, a small plant",
                "an umbrella stand or a low shoe cabinet where the width allows; less is more",
            ],
            KeepFree = ["in the whole way from the front door inwards: leave 100 cm", "at the foot of stairs", "in front of meter cupboards and intercoms"],
            Sizes = ["console 80 high and at most 35 deep", "runner 60 to 80 wide with bare floor at both sides"],
            Light = "welcoming; a table lamp may be lit where daylight is scarce",
        },
        ["outdoor"] = new()
        {
            Name = "an outdoor space",
            Belongs =
            [
                "weatherproof seating round a low table, or a dining set where the paved area is large enough",
                "planters with plants that fit the climate seen in the photograph, an outdoor rug, cushions, lanterns",
                "a parasol or a fire bowl only where there is clear space above and around it",
            ],
            KeepFree = ["on lawn edges, steps, drains and paths", "in front of gates, garage doors and terrace doors", "on or above a railing"],
            Sizes = ["lounge seats 40 high, table 40 high; dining table 75 high", "planters 30 to 60 high, below railing height"],
            Light = "sun, sky, weather and the hardness of the shadows stay as they are",
        },
    };

    internal static IEnumerable<string> Ids => All.Keys;

    internal static RoomRules? Find(string id) => All.GetValueOrDefault(id);
}
