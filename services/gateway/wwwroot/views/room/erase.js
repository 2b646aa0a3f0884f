// Deleting a staging or a listing with its photos and pictures.

import { remove } from "../../lib/api.js";
import { el } from "../../lib/dom.js";
import { icon } from "../../lib/icons.js";
import { go } from "../../lib/router.js";
import { ask } from "../../parts/ask.js";
import { guarded, say } from "../../parts/notice.js";
import { text } from "../../text.js";

const words = text.erase;

// What is published warns once more: its link would be dead.
async function removed(thing) {
  try {
    await remove(thing.urls.self);
  } catch (error) {
    if (error.code !== "disclosed") throw error;
    if (!await ask(words.disclosedTitle, words.disclosedDetail, words.yes)) return false;
    await remove(`${thing.urls.self}?withdraw=true`);
  }
  return true;
}

/** A button that asks, deletes and then calls done(), which goes to the library unless said. */
export const erase = (thing, { done = () => go("/library"), style = "button.quiet", content = [icon("trash"), words.label], question = words } = {}) => el(style, {
  type: "button", "aria-label": words.label,
  onclick: guarded(async () => {
    if (!await ask(question.title, question.detail, words.yes)) return;
    if (!await removed(thing)) return;
    await done();
    say(words.done, undefined, { good: true });
  }),
}, content);
