// A question before something that cannot be undone.

import { el } from "../lib/dom.js";
import { text } from "../text.js";
import { showModal } from "./dialog.js";

/** Asks; true if the person said yes. */
export function ask(title, detail, yes) {
  return new Promise(resolve => {
    const dialog = el("dialog.ask", { "aria-labelledby": "ask-title", onclose: () => { resolve(dialog.returnValue === "yes"); dialog.remove(); } },
      // The second click of a double click on what asked is no answer.
      el("form", { method: "dialog", onclick: event => { if (event.detail > 1) event.preventDefault(); } },
        el("h2", { id: "ask-title" }, title), el("p", {}, detail),
        el("p.actions", {}, el("button.quiet", { value: "no" }, text.keepIt), el("button.danger", { value: "yes" }, yes))));
    document.body.append(dialog);
    showModal(dialog);
  });
}
