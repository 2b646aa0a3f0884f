namespace HomeStage.Worker.Prompting;

/// <summary>What makes a style: forms, materials, colours, and what it never has.</summary>
internal sealed record StyleRules(string Name, IReadOnlyList<string> Look)
{
    private static readonly IReadOnlyDictionary<string, StyleRules> All = new Dictionary<string, StyleRules>(StringComparer.Ordinal)
    {
        ["modern"] = new("modern",
        [
            "clean horizontal lines, low furniture on slim legs, plain fronts without handles",
            "smooth leather, glass, lacquer, walnut and brushed steel",
            "white, grey and black with one strong accent; no ornament, no antiques",
        ]),
        ["contemporary"] = new("contemporary",
        [
            "soft curved upholstery beside straight cabinets, generous proportions",
            "bouclé, performance linen, oak, stone and matt black metal",
            "warm neutrals with muted earth or blue-green accents; abstract art, nothing shiny for its own sake",
        ]),
        ["traditional"] = new("traditional",
        [
            "symmetrical arrangement, rolled arms, turned legs, panelled fronts",
            "cherry or mahogany, wool rugs with a classic pattern, silk and velvet cushions, brass",
            "cream, deep red, navy and forest green; pleated shades, framed landscapes",
        ]),
        ["scandinavian"] = new("Scandinavian",
        [
            "simple light pieces with tapered legs, plenty of empty floor",
            "pale birch, ash and pine, wool throws, sheepskin, linen, paper lamps",
            "white and light grey with dusty blue, sage or blush; nothing heavy or glossy",
        ]),
        ["industrial"] = new("industrial",
        [
            "robust pieces with visible frames and joints, open shelving",
            "aged leather, reclaimed timber, raw or blackened steel, concrete",
            "charcoal, rust, tan and dark brown; filament bulbs, no delicate ornament",
        ]),
        ["mid_century"] = new("mid-century",
        [
            "organic shapes of the 1950s and 1960s, splayed legs, low credenzas",
            "teak and walnut, moulded plywood, wool upholstery with buttons, brass details",
            "mustard, olive, burnt orange and teal on a neutral ground; a sunburst or globe form, no clutter",
        ]),
        ["farmhouse"] = new("farmhouse",
        [
            "sturdy, comfortable, slightly worn pieces, turned or trestle legs",
            "whitewashed and natural pine, cotton ticking, jute, galvanised metal, stoneware",
            "warm white, oatmeal, faded blue and green; baskets and dried stems, nothing sleek",
        ]),
        ["coastal"] = new("coastal",
        [
            "relaxed slipcovered seats, airy spacing, woven details",
            "rattan, bleached oak, seagrass, linen, light cotton",
            "white and sand with sea blue and soft green; no anchors, shells or signs as a theme",
        ]),
        ["minimalist"] = new("minimalist",
        [
            "only the essential pieces, each with space around it, low and geometric",
            "matt plaster tones, light oak, plain wool, stone",
            "one calm palette of whites, greys or beiges; one work of art at most, bare surfaces",
        ]),
        ["luxury"] = new("luxury",
        [
            "large sculptural pieces, deep seats, balanced pairs",
            "velvet, marble, polished brass, smoked glass, lacquered wood, thick silk rugs",
            "ivory and taupe with emerald, sapphire or black; a statement lamp on a table or the floor, never gaudy",
        ]),
        ["bohemian"] = new("bohemian",
        [
            "layered, informal groups of low seats, poufs and floor cushions",
            "rattan, carved wood, kilims, macramé, embroidered and block-printed cotton",
            "terracotta, ochre, plum and indigo with many plants; collected over time, still tidy",
        ]),
        ["japandi"] = new("Japandi",
        [
            "low, quiet, well-made pieces, asymmetry in balance, much empty space",
            "light oak and dark stained ash, paper, bamboo, linen, handmade ceramics",
            "warm white, clay, mushroom and charcoal; one branch in a vase, nothing superfluous",
        ]),
    };

    internal static IEnumerable<string> Ids => All.Keys;

    internal static StyleRules? Find(string id) => All.GetValueOrDefault(id);
}
