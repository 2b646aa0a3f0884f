namespace HomeStage.Catalog;

/// <summary>A style of furniture: what people read of it, and what makes it.</summary>
public sealed record Style
{
    /// <summary>Its name on the wire.</summary>
    public required string Id { get; init; }

    /// <summary>Its name for people.</summary>
    public required string Name { get; init; }

    /// <summary>In a sentence for people, what it looks like.</summary>
    public required string Description { get; init; }

    /// <summary>The style within a sentence, for instructions.</summary>
    public required string InWords { get; init; }

    /// <summary>Forms, materials, colours, and what it never has.</summary>
    public required IReadOnlyList<string> Look { get; init; }

    /// <inheritdoc cref="Room.All"/>
    internal static IReadOnlyList<Style> All { get; } =
    [
        new()
        {
            Id = "modern",
            Name = "Modern",
            Description = "Clean low lines, leather, walnut and steel in white, grey and black.",
            InWords = "modern",
            Look =
            [
                "clean horizontal lines, low furniture on slim legs, plain fronts without handles",
                "smooth leather, glass, lacquer, walnut and brushed steel",
                "white, grey and black with one strong accent; no ornament, no antiques",
            ],
        },
        new()
        {
            Id = "contemporary",
            Name = "Contemporary",
            Description = "Soft curves and warm neutrals, oak, stone and matt metal.",
            InWords = "contemporary",
            Look =
            [
                "soft curved upholstery beside straight cabinets, generous proportions",
                "bouclé, performance linen, oak, stone and matt black metal",
                "warm neutrals with muted earth or blue-green accents; abstract art, nothing shiny for its own sake",
            ],
        },
        new()
        {
            Id = "traditional",
            Name = "Traditional",
            Description = "Symmetry, turned legs and rich wood, classic rugs, deep colours.",
            InWords = "traditional",
            Look =
            [
                "symmetrical arrangement, rolled arms, turned legs, panelled fronts",
                "cherry or mahogany, wool rugs with a classic pattern, silk and velvet cushions, brass",
                "cream, deep red, navy and forest green; pleated shades, framed landscapes",
            ],
        },
        new()
        {
            Id = "scandinavian",
            Name = "Scandinavian",
            Description = "Light wood, wool and linen, much empty floor, quiet colours.",
            InWords = "Scandinavian",
            Look =
            [
                "simple light pieces with tapered legs, plenty of empty floor",
                "pale birch, ash and pine, wool throws, sheepskin, linen, paper lamps",
                "white and light grey with dusty blue, sage or blush; nothing heavy or glossy",
            ],
        },
        new()
        {
            Id = "industrial",
            Name = "Industrial",
            Description = "Aged leather, reclaimed timber and steel in dark, warm tones.",
            InWords = "industrial",
            Look =
            [
                "robust pieces with visible frames and joints, open shelving",
                "aged leather, reclaimed timber, raw or blackened steel, concrete",
                "charcoal, rust, tan and dark brown; filament bulbs, no delicate ornament",
            ],
        },
        new()
        {
            Id = "mid_century",
            Name = "Mid-century",
            Description = "Teak and walnut on splayed legs, mustard, olive and teal.",
            InWords = "mid-century",
            Look =
            [
                "organic shapes of the 1950s and 1960s, splayed legs, low credenzas",
                "teak and walnut, moulded plywood, wool upholstery with buttons, brass details",
                "mustard, olive, burnt orange and teal on a neutral ground; a sunburst or globe form, no clutter",
            ],
        },
        new()
        {
            Id = "farmhouse",
            Name = "Farmhouse",
            Description = "Sturdy pine, cotton and stoneware, warm white and faded blue.",
            InWords = "farmhouse",
            Look =
            [
                "sturdy, comfortable, slightly worn pieces, turned or trestle legs",
                "whitewashed and natural pine, cotton ticking, jute, galvanised metal, stoneware",
                "warm white, oatmeal, faded blue and green; baskets and dried stems, nothing sleek",
            ],
        },
        new()
        {
            Id = "coastal",
            Name = "Coastal",
            Description = "Slipcovers, rattan and bleached oak in white, sand and sea blue.",
            InWords = "coastal",
            Look =
            [
                "relaxed slipcovered seats, airy spacing, woven details",
                "rattan, bleached oak, seagrass, linen, light cotton",
                "white and sand with sea blue and soft green; no anchors, shells or signs as a theme",
            ],
        },
        new()
        {
            Id = "minimalist",
            Name = "Minimalist",
            Description = "Only what is needed, with space around it, in one calm palette.",
            InWords = "minimalist",
            Look =
            [
                "only the essential pieces, each with space around it, low and geometric",
                "matt plaster tones, light oak, plain wool, stone",
                "one calm palette of whites, greys or beiges; one work of art at most, bare surfaces",
            ],
        },
        new()
        {
            Id = "luxury",
            Name = "Luxury",
            Description = "Sculptural pieces in velvet, marble and brass, ivory with jewel tones.",
            InWords = "luxury",
            Look =
            [
                "large sculptural pieces, deep seats, balanced pairs",
                "velvet, marble, polished brass, smoked glass, lacquered wood, thick silk rugs",
                "ivory and taupe with emerald, sapphire or black; a statement lamp on a table or the floor, never gaudy",
            ],
        },
        new()
        {
            Id = "bohemian",
            Name = "Bohemian",
            Description = "Layered low seats, kilims and rattan, warm earth tones, many plants.",
            InWords = "bohemian",
            Look =
            [
                "layered, informal groups of low seats, poufs and floor cushions",
                "rattan, carved wood, kilims, macramé, embroidered and block-printed cotton",
                "terracotta, ochre, plum and indigo with many plants; collected over time, still tidy",
            ],
        },
        new()
        {
            Id = "japandi",
            Name = "Japandi",
            Description = "Low, quiet, well-made pieces in oak, paper and clay, much space.",
            InWords = "Japandi",
            Look =
            [
                "low, quiet, well-made pieces, asymmetry in balance, much empty space",
                "light oak and dark stained ash, paper, bamboo, linen, handmade ceramics",
                "warm white, clay, mushroom and charcoal; one branch in a vase, nothing superfluous",
            ],
        },
    ];
}
