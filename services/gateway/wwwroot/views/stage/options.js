// What can be chosen beside room and style, folded away. What the image model does not have is not offered.

import { el } from "../../lib/dom.js";
import { count } from "../../lib/format.js";
import { state } from "../../lib/state.js";
import { text } from "../../text.js";

const words = text.stage;
const Kept = "homestage-choice";
const LargestSeed = 2_147_483_647;
const extras = { format: undefined, size: undefined, seed: undefined };

/** What is chosen. It stays while the person looks at other views, and on the way to Stripe's page and back; what is undefined is left to the service. */
export const choice = {
  room: "living_room", style: "scandinavian", quality: undefined, variations: 1, declutter: false, prompt: "", name: "", take: "all", ...extras, ...recalled(),
};

addEventListener("pagehide", () => {
  try { sessionStorage.setItem(Kept, JSON.stringify({ ...choice, account: state.session?.accountId })); } catch { /* No storage: it lasts as long as the page. */ }
});

function recalled() {
  try {
    const { account, ...kept } = JSON.parse(sessionStorage.getItem(Kept));
    return account === state.session.accountId ? kept : {};
  } catch {
    return {};
  }
}

/** Forgets what another image model may not have. */
export const forgetExtras = () => Object.assign(choice, extras);

/** Takes the choices of an earlier staging. */
export const takeChoices = job => Object.assign(choice, {
  room: job.room, style: job.style, prompt: job.prompt ?? "", declutter: job.declutter, format: job.format, size: job.size ?? undefined, seed: job.seed ?? undefined,
});

/** The choices as the API takes them. To stage a photo again without the words, the size or the seed that it had takes them back. */
export function chosen(quality, isAgain) {
  const { style, variations, declutter, format, size, seed } = choice;
  const own = choice.prompt.trim();
  return {
    style, quality, variations, declutter,
    ...(format && { format }),
    ...((size || isAgain) && { size: size ?? null }),
    ...((seed !== undefined || isAgain) && { seed: seed ?? null }),
    ...((own || isAgain) && { prompt: own || null }),
  };
}

/** The fields. Their update(quality) shows which quality is used. */
export function optionFields() {
  const { qualities, options } = state.catalog;
  const segments = (name, list, choose) => el("div.segments", {}, list.map(({ value, label, note }) => el("label", {},
    el("input", { type: "radio", name, value, onchange: () => choose(value) }), el("span", {}, label), note && el("small", {}, note))));

  const quality = segments("quality", qualities.map(one => ({ value: one.id, label: one.name, note: count(one.credits, "credit") })), id => { choice.quality = id; });
  const variations = segments("variations", Array.from({ length: options.maxVariations }, (_, i) => ({ value: i + 1, label: String(i + 1) })), n => { choice.variations = n; });
  const format = segments("format", options.formats.map(one => ({ value: one, label: words.formats[one] ?? one.toUpperCase() })), one => { choice.format = one; });
  const size = el("select", { id: "size", onchange: () => { choice.size = size.value || undefined; } },
    el("option", { value: "" }, words.sizeOfPhoto), options.sizes.map(one => el("option", { value: one }, words.size(...one.split("x")))));
  const seed = el("input", {
    id: "seed", type: "number", min: 0, max: LargestSeed, step: 1, inputMode: "numeric", placeholder: words.seedNone,
    oninput: () => { choice.seed = seed.value !== "" && seed.validity.valid ? seed.valueAsNumber : undefined; },
  });
  const declutter = el("input", { type: "checkbox", id: "declutter", onchange: () => { choice.declutter = declutter.checked; } });
  const prompt = el("textarea", { rows: 3, maxLength: options.maxPromptCharacters, placeholder: words.ownWordsHint, oninput: () => { choice.prompt = prompt.value; } });

  const element = el("details.options", {},
    el("summary", {}, words.options),
    el("fieldset.field", {}, el("legend", {}, words.quality), quality, el("p.small", {}, words.qualityHint)),
    el("fieldset.field", {}, el("legend", {}, words.variations), variations),
    options.declutter && el("label.check", {}, declutter, words.declutter),
    el("label.field", {}, words.ownWords, prompt),
    options.formats.length > 1 && el("fieldset.field", {}, el("legend", {}, words.format), format),
    options.sizes.length > 1 && el("label.field", {}, words.sizeLabel, size, el("span.small", {}, words.sizeHint)),
    options.seed && el("label.field", {}, words.seed, seed, el("span.small", {}, words.seedHint)));

  const check = (group, value) => { const input = group.querySelector(`[value="${CSS.escape(value)}"]`); if (input) input.checked = true; };
  element.update = ({ id }) => {
    check(quality, id);
    check(variations, String(choice.variations));
  };
  element.reset = () => {
    check(format, choice.format ?? options.defaultFormat);
    size.value = choice.size ?? "";
    seed.value = choice.seed ?? "";
    declutter.checked = choice.declutter;
    prompt.value = choice.prompt;
  };
  element.reset();
  return element;
}
