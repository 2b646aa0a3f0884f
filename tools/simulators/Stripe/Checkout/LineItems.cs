using System.Text.Json.Nodes;
using HomeStage.Simulators.Stripe.Fixtures;
using HomeStage.Simulators.Stripe.Wire;

namespace HomeStage.Simulators.Stripe.Checkout;

/// <summary>What is sold: <c>line_items</c> with a stored <c>price</c>, or with <c>price_data</c> from which one is made.</summary>
internal static class LineItems
{
    public static List<JsonObject> From(FormValue? sent, StripeChange change)
    {
        var items = (sent ?? throw StripeException.Missing("line_items")).Items.Select(item => Item(item, change)).ToList();
        if (items.Count == 0)
            throw StripeException.Missing("line_items");
        if (items.Any(item => item.Text("currency") != items[0].Text("currency")))
            throw StripeException.Invalid("All line items must have the same currency.", "line_items");
        return items;
    }

    public static void MapPrices(this IEndpointRouteBuilder app)
    {
        app.Post("/v1/products", request => AddProduct(request.Params, request.Change));
        app.Get("/v1/products/{id}", request =>
            request.Change.Find(request.Id, "product") ?? throw StripeException.NoSuch("product", request.Id));
        app.Post("/v1/prices", request => AddPrice(request.Params, request.Change, active: true));
        app.Get("/v1/prices/{id}", request =>
            request.Change.Find(request.Id, "price") ?? throw StripeException.NoSuch("price", request.Id, "price"));
    }

    private static JsonObject Item(FormValue item, StripeChange change)
    {
        item.AllowOnly("price", "price_data", "quantity", "adjustable_quantity", "dynamic_tax_rates", "metadata", "tax_rates");
        var price = (item.Optional("price"), item["price_data"]) switch
        {
            ({ } id, null) => change.Find(id, "price") ?? throw new StripeException(400, $"No such price: '{id}'", item.PathOf("price"), "resource_missing"),
            (null, { } data) => AddPrice(data, change, active: false),
            _ => throw StripeException.Invalid($"You must specify exactly one of `price` or `price_data` in {item.Path}.", item.Path),
        };
        var quantity = item.Integer("quantity") ?? throw StripeException.Missing(item.PathOf("quantity"));
        if (quantity < 1)
            throw StripeException.Invalid("This value must be greater than or equal to 1.", item.PathOf("quantity"), "parameter_invalid_integer");
        var amount = price.Number("unit_amount") * quantity;
        return new JsonObject
        {
            ["id"] = StripeId.New("li"),
            ["object"] = "item",
            ["amount_discount"] = 0,
            ["amount_subtotal"] = amount,
            ["amount_tax"] = 0,
            ["amount_total"] = amount,
            ["currency"] = price.Text("currency"),
            ["description"] = change.Find(price.Text("product"))!.Text("name"),
            ["metadata"] = Metadata.From(item["metadata"]),
            ["price"] = price.Copy(),
            ["quantity"] = quantity,
        };
    }

    private static JsonObject AddPrice(FormValue data, StripeChange change, bool active)
    {
        var currency = data.Required("currency").ToLowerInvariant();
        if (currency.Length != 3)
            throw StripeException.Invalid($"Invalid currency: {currency}. Stripe currently supports three-letter ISO codes.", data.PathOf("currency"));
        var amount = data.Integer("unit_amount") ?? data.Integer("unit_amount_decimal") ?? throw StripeException.Missing(data.PathOf("unit_amount"));
        if (amount < 0)
            throw StripeException.Invalid("Invalid non-negative integer", data.PathOf("unit_amount"), "parameter_invalid_integer");
        var product = (data.Optional("product"), data["product_data"]) switch
        {
            ({ } id, null) => change.Find(id, "product") ?? throw new StripeException(400, $"No such product: '{id}'", data.PathOf("product"), "resource_missing"),
            (null, { } made) => AddProduct(made, change),
            _ => throw StripeException.Invalid($"You must specify either `product` or `product_data` when creating a price.", data.PathOf("product")),
        };
        var price = Template.Of("price");
        price["id"] = StripeId.New("price");
        price["active"] = active;
        price["created"] = change.Now;
        price["currency"] = currency;
        price["metadata"] = Metadata.From(data["metadata"]);
        price["product"] = product.Id();
        price["unit_amount"] = amount;
        price["unit_amount_decimal"] = amount.ToString();
        return change.Add(price);
    }

    private static JsonObject AddProduct(FormValue data, StripeChange change)
    {
        var product = Template.Of("product");
        product["id"] = StripeId.Product();
        product["created"] = change.Now;
        product["updated"] = change.Now;
        product["name"] = data.Required("name");
        product["description"] = data.Optional("description");
        product["metadata"] = Metadata.From(data["metadata"]);
        return change.Add(product);
    }
}
