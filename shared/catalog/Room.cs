namespace HomeStage.Catalog;

/// <summary>A kind of room: what people read of it, and what the stager knows about it.</summary>
public sealed record Room
{
    /// <summary>Its name on the wire.</summary>
    public required string Id { get; init; }

    /// <summary>Its name for people.</summary>
    public required string Name { get; init; }

    /// <summary>In a sentence for people, what it is furnished with.</summary>
    public required string Description { get; init; }

    /// <summary>The room in plain words with its article, for instructions.</summary>
    public required string InWords { get; init; }

    /// <summary>What belongs in it, most important first.</summary>
    public required IReadOnlyList<string> Belongs { get; init; }

    /// <summary>Where nothing may stand in this kind of room.</summary>
    public required IReadOnlyList<string> KeepFree { get; init; }

    /// <summary>How big things are, in centimetres.</summary>
    public required IReadOnlyList<string> Sizes { get; init; }

    /// <summary>What is particular about the light.</summary>
    public required string Light { get; init; }

    /// <summary>
    /// Every room, in the order in which they are offered. What belongs to the instructions is part of a prompt version: it is never edited once
    /// jobs were accepted under it.
    /// </summary>
    internal static IReadOnlyList<Room> All { get; } =
    [
        new()
        {
            Id = "living_room",
            Name = "Living room",
            Description = "Sofa, armchairs and a coffee table grouped on a rug, with lamps and pictures.",
            InWords = "a living room",
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
        new()
        {
            Id = "bedroom",
            Name = "Bedroom",
            Description = "A made bed with night tables and lamps, a rug, curtains beside the windows.",
            InWords = "a bedroom",
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
        new()
        {
            Id = "kitchen",
            Name = "Kitchen",
            Description = "The kitchen as it is, dressed: fruit, herbs, a board, stools where a bar is.",
            InWords = "a kitchen",
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
        new()
        {
            Id = "bathroom",
            Name = "Bathroom",
            Description = "The bathroom as it is, dressed: towels, a mat, a plant.",
            InWords = "a bathroom",
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
        new()
        {
            Id = "dining_room",
            Name = "Dining room",
            Description = "A table with its chairs, a sideboard, a simple centrepiece.",
            InWords = "a dining room",
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
        new()
        {
            Id = "office",
            Name = "Home office",
            Description = "A desk and chair by the light, shelves, a place to read.",
            InWords = "a home office",
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
        new()
        {
            Id = "entryway",
            Name = "Entryway",
            Description = "A slim console or bench, a mirror, a runner along the way in.",
            InWords = "an entryway",
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
        new()
        {
            Id = "outdoor",
            Name = "Outdoor space",
            Description = "Weatherproof seats or a dining set, planters, lanterns.",
            InWords = "an outdoor space",
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
    ];
}
