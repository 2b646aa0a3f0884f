// Choices as pictures: radio buttons that look like what they mean.

import { asset, el } from "../lib/dom.js";

// What there is a drawing of; anything else that the catalog names gets a plain tile.
const drawn = {
  rooms: new Set(["living_room", "bedroom", "kitchen", "bathroom", "dining_room", "office", "entryway", "outdoor"]),
  styles: new Set(["modern", "contemporary", "traditional", "scandinavian", "industrial", "mid_century", "farmhouse", "coastal", "minimalist", "luxury", "bohemian", "japandi"]),
};

/** A group of tiles; kind is "rooms" or "styles". */
export function tiles(kind, name, legend, choices, chosen, onchange) {
  const group = el("fieldset.tiles", { onchange: event => onchange(event.target.value) },
    el("legend", {}, legend),
    el("div.row", {}, choices.map(choice => el("label.tile", { title: choice.name },
      el("input", { type: "radio", name, value: choice.id, checked: choice.id === chosen }),
      picture(kind, choice),
      el("span", {}, choice.name)))));
  return group;
}

/** Chooses a tile, as if by hand. */
export function select(group, id) {
  const input = [...group.querySelectorAll("input")].find(one => one.value === id);
  if (!input) return;
  input.checked = true;
  reveal(group);
}

/** Brings the chosen tile into sight within its row; the page stays where it is. */
export function reveal(group) {
  const row = group.querySelector(".row");
  const tile = row.querySelector(":checked")?.parentElement;
  if (tile) row.scrollLeft = Math.max(0, tile.offsetLeft - row.offsetLeft - (row.clientWidth - tile.clientWidth) / 2);
}

const picture = (kind, { id, name }) => drawn[kind].has(id)
  ? el("img", { src: asset(`pictures/${kind}/${id}.svg`), alt: "", width: 96, height: 72, loading: "lazy", decoding: "async" })
  : el("b.plain-tile", { "aria-hidden": "true" }, name[0]);
