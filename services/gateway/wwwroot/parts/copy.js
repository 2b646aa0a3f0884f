// A secret or code with a button that copies it.

import { el } from "../lib/dom.js";
import { icon } from "../lib/icons.js";
import { text } from "../text.js";
import { announce } from "./notice.js";

export function copyable(value, label) {
  const shown = el("code", {}, value);
  const word = el("span", {}, text.copy);
  return el("p.copyable", {}, shown, el("button.quiet", {
    type: "button",
    "aria-label": `${text.copy}: ${label}`,
    onclick: async ({ currentTarget }) => {
      try {
        await navigator.clipboard.writeText(value);
        word.textContent = text.copied;
        currentTarget.ariaLabel = `${text.copied}: ${label}`;
        announce(text.copied);
      } catch {
        // The clipboard is not ours: the text is selected, to be copied by hand.
        getSelection().selectAllChildren(shown);
      }
    },
  }, icon("copy"), word));
}
