// What a view shows until it has something, and when it cannot get it.

import { el, fill } from "../lib/dom.js";
import { icon } from "../lib/icons.js";
import { text } from "../text.js";

/** Room for what comes, so that nothing jumps when it is there. */
export const skeleton = (height = "16rem") => {
  const element = el("div.skeleton", { "aria-hidden": "true" });
  element.style.setProperty("min-height", height);
  return element;
};

/** Something that is not there, with what to do. */
export const empty = (name, title, detail, ...actions) =>
  el("section.card.empty", {}, icon(name), el("h2", {}, title), detail && el("p", {}, detail), actions.length > 0 && el("p.actions", {}, actions));

/** Fills an element with what is read; a failure is shown in its place, with a way to try again. */
export async function load(element, read, signal) {
  element.ariaBusy = "true";
  try {
    const content = await read();
    if (!signal.aborted) fill(element, content);
  } catch (error) {
    if (signal.aborted || error.name === "AbortError") return;
    if (error.status === undefined) throw error;
    const isGone = error.status === 404;
    fill(element, empty("warning", isGone ? text.errors.gone.title : error.title, isGone ? text.errors.gone.detail : error.reasons, isGone
      ? el("a.button.quiet", { href: "/library" }, text.errors.gone.action)
      : el("button.primary", { type: "button", onclick: () => load(element, read, signal) }, text.retry)));
  } finally {
    element.ariaBusy = null;
  }
}
