// What is said to the person: a message that stays until it is closed, and words for screen readers alone.

import { el, fill } from "../lib/dom.js";
import { icon } from "../lib/icons.js";
import { text } from "../text.js";

export const place = el("div.notices", { role: "alert" });
export const whisper = el("p.unseen", { role: "status" });

/** Shows a message; action is { label, run }. */
export function say(title, detail, { good = false, action } = {}) {
  fill(place, el(good ? "div.notice.good" : "div.notice", {},
    icon(good ? "check" : "warning"),
    el("div", {}, el("strong", {}, title), detail && el("p", {}, detail)),
    action && el("button.quiet", { type: "button", onclick: () => { hush(); action.run(); } }, action.label),
    el("button.close", { type: "button", "aria-label": text.closeMessage, onclick: hush }, icon("close"))));
}

export const hush = () => fill(place);

/** Tells screen readers alone. */
export const announce = words => { if (whisper.textContent !== words) whisper.textContent = words; };

/** Shows a failure of the API, with the way out that there is. Anything else is a fault of ours, and stays one. */
export function complain(error, action) {
  if (error.name === "AbortError") return;
  if (error.status === undefined) throw error;
  say(error.title, error.reasons, { action: error.status === 401 ? { label: text.reload, run: () => location.reload() } : action });
}

/** Makes a handler of work: its button waits while it runs, and failures are shown. */
export const guarded = work => async event => {
  event?.preventDefault?.();
  const button = event?.submitter ?? (event?.currentTarget instanceof HTMLButtonElement ? event.currentTarget : undefined);
  if (button?.ariaBusy === "true") return;
  if (button) button.ariaBusy = "true";
  try {
    await work(event);
  } catch (error) {
    complain(error);
  } finally {
    if (button) button.ariaBusy = null;
  }
};
