// From photos to an order: choose photos, say what the rooms are and how they shall look, see the price, and go.

import { api, create } from "../lib/api.js";
import { asset, el, fill } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { icon } from "../lib/icons.js";
import { go } from "../lib/router.js";
import { onChange, price, state } from "../lib/state.js";
import { add, discard, keep, MostPhotos, onProgress, onTray, photos, retry, takeAgain } from "../lib/tray.js";
import { announce, complain, guarded, hush, say } from "../parts/notice.js";
import { select, tiles } from "../parts/tiles.js";
import { text } from "../text.js";

const words = text.stage;

// What was chosen stays while the person looks at other views.
const choice = { room: "living_room", style: "scandinavian", quality: undefined, variations: 1, declutter: false, prompt: "" };
let shown;
let isSending = false;

export function show({ query, signal }) {
  const { catalog } = state;
  const desk = el("section.card.desk", { "aria-labelledby": "desk-title" });
  const rooms = tiles("rooms", "room", words.room, catalog.rooms, choice.room, chooseRoom);
  const styles = tiles("styles", "style", words.style, catalog.styles, choice.style, style => { choice.style = style; });
  const cost = el("p.cost", { id: "cost", "aria-live": "polite" });
  const submit = el("button.primary.big", { type: "submit", id: "submit" });
  const options = optionFields(showPrice);
  const form = el("form.choices.card", { id: "form", noValidate: true, onsubmit: guarded(furnish) }, rooms, styles, options, el("div.buy-bar", {}, cost, submit));
  const view = el("div.stage", {},
    el("div.intro", {}, el("h1", { tabIndex: -1 }, words.title), el("p", {}, words.lead)), desk, form);

  function chooseRoom(room) {
    choice.room = room;
    if (!shown) return;
    shown.room = room;
    keep(shown);
    showDesk();
  }

  function showDesk() {
    if (!photos.includes(shown)) {
      shown = photos[0];
      if (shown) select(rooms, shown.room);
    }
    view.classList.toggle("has-photo", photos.length > 0);
    fill(desk, el("h2.unseen", { id: "desk-title" }, words.photos), photos.length ? [preview(), strip()] : [dropHint(), sample()]);
  }

  const picker = (label, name, camera, style) => {
    const input = el("input.unseen", {
      type: "file", multiple: !camera, accept: "image/jpeg,image/png,image/webp", tabIndex: -1, "aria-hidden": "true",
      onchange: () => { take(input.files); input.value = ""; },
    });
    if (camera) input.setAttribute("capture", "environment");
    else input.id = "photo";
    const button = el(style, { type: "button", onclick: () => input.click() }, icon(name), label);
    if (camera) button.classList.add("camera");
    return [button, input];
  };

  const dropHint = () => el("div.drop", {},
    el("div.drop-hint", {},
      icon("upload"),
      el("p.actions", {}, picker(words.choose, "library", false, "button.primary"), picker(words.camera, "camera", true, "button.quiet")),
      el("p.small.pointer", {}, words.dropHint),
      el("p.small", {}, words.kinds)));

  const sample = () => state.credits.available || state.credits.free.left ? el("div.sample", {},
    el("img", { src: asset("sample/empty-room-small.webp"), alt: "", width: 120, height: 90 }),
    el("div", {}, el("strong", {}, words.sample.title), el("p.small", {}, words.sample.why(state.credits.free.left))),
    el("button.quiet", { type: "button", id: "sample", onclick: guarded(stageSample) }, icon("spark"), state.credits.available ? words.sample.use : words.sample.go)) : null;

  const preview = () => el("div.preview", {},
    el("img", { src: shown.url, alt: words.yourPhoto, onerror: event => event.currentTarget.classList.add("unreadable") }),
    status(shown));

  function status(photo) {
    if (photo.status === "failed") {
      return el("div.photo-state.bad", { role: "alert" }, icon("warning"), el("span", {}, photo.error.reasons ?? photo.error.message),
        photo.canRetry && el("button.quiet", { type: "button", onclick: () => retry(photo) }, icon("again"), text.retry),
        el("button.quiet", { type: "button", onclick: () => discard(photo) }, words.anotherPhoto));
    }
    if (photo.status === "ready") return null;
    const bar = el("progress", { max: 1, "aria-label": words.uploading });
    if (photo.progress > 0) bar.value = photo.progress;
    return el("div.photo-state", {}, el("span", {}, words.uploading), bar);
  }

  const strip = () => el("ul.strip", { "aria-label": words.photos }, photos.map((photo, i) => el("li", {},
    el("button.thumb", {
      type: "button", "aria-label": words.photoOf(i + 1, photos.length), "aria-pressed": String(photo === shown),
      onclick: () => { shown = photo; choice.room = photo.room; select(rooms, photo.room); showDesk(); },
    }, el("img", { src: photo.url, alt: "" }), photo.status === "failed" && icon("warning")),
    el("button.round.remove", { type: "button", "aria-label": words.remove(i + 1), onclick: () => discard(photo) }, icon("close")))),
  photos.length < MostPhotos && el("li", {}, picker(el("span.unseen", {}, words.more), "plus", false, "button.thumb.more")));

  function take(files) {
    if (!files?.length) return;
    hush();
    const left = add(files, choice.room);
    if (left) say(words.tooMany.title, words.tooMany.detail(MostPhotos, left));
    announce(words.taken(files.length - left));
  }

  async function stageSample() {
    const answer = await fetch(asset("sample/empty-room.jpg")).catch(() => null);
    if (!answer?.ok) return say(text.errors.offline.title, text.errors.offline.detail);
    select(rooms, "living_room");
    choice.room = "living_room";
    add([new File([await answer.blob()], "sample.jpg", { type: "image/jpeg" })], "living_room");
    Object.assign(choice, { variations: 1, quality: undefined });
    if (!state.credits.available) await furnish();
  }

  function showPrice() {
    const quality = usedQuality();
    const ready = Math.max(1, photos.filter(photo => photo.status !== "failed").length);
    const { credits, isFree, isEnough, available, freeLeft, freeOf } = price(quality, ready * choice.variations);
    options.update(quality);
    submit.type = isEnough ? "submit" : "button";
    submit.disabled = isEnough && (isSending || !photos.some(photo => photo.status !== "failed"));
    submit.onclick = isEnough ? null : () => go("/credits");
    fill(submit, isSending ? words.sending : isEnough ? words.go(ready) : words.getCredits);
    fill(cost, isFree
      ? [el("strong", {}, words.free), el("span", {}, words.freeOf(freeLeft, freeOf))]
      : [el("strong", {}, count(credits, "credit")), el("span", {}, isEnough ? words.ofYours(available) : words.short(available, freeLeft))]);
  }

  /** Unless somebody chose, what is free while something is. */
  function usedQuality() {
    const { available, free } = state.credits;
    const id = choice.quality ?? (!available && free.left ? catalog.qualities.find(quality => quality.canBeFree)?.id : undefined) ?? catalog.options.defaultQuality;
    return catalog.qualities.find(quality => quality.id === id) ?? catalog.qualities[0];
  }

  async function furnish() {
    if (isSending) return;
    isSending = true;
    hush();
    showPrice();
    try {
      const quality = usedQuality().id;
      const own = choice.prompt.trim();
      const sent = [];
      for (const photo of photos.filter(one => one.status !== "failed")) {
        await arrival(photo);
        if (photo.status !== "ready") continue;
        sent.push(await order(photo, {
          ...(photo.photoId && { photoId: photo.photoId }),
          room: photo.room, style: choice.style, quality, variations: choice.variations, declutter: choice.declutter,
          // To stage a photo again without the words that it had takes them back.
          ...((own || photo.regenerate) && { prompt: own || null }),
        }));
        discard(photo);
      }
      if (!sent.length || signal.aborted) return;
      choice.prompt = "";
      await go(sent.length === 1 ? `/stagings/${sent[0].id}` : "/library");
    } catch (error) {
      const isShort = ["insufficient_credits", "free_exhausted"].includes(error.code);
      complain(error, isShort ? { label: words.getCredits, run: () => go("/credits") } : undefined);
    } finally {
      isSending = false;
      if (!signal.aborted) showPrice();
    }
  }

  const refresh = () => { showDesk(); showPrice(); };
  onTray(refresh, signal);
  onProgress(() => {
    const bar = desk.querySelector("progress");
    if (bar && shown?.status === "uploading") bar.value = shown.progress;
  }, signal);
  onChange("credits", () => {
    if (!photos.length) showDesk();
    showPrice();
  }, signal);
  acceptDrops(view, take, signal);
  refresh();
  // Once it is in the page and has a size.
  requestAnimationFrame(() => { select(rooms, shown?.room ?? choice.room); select(styles, choice.style); });
  if (query.has("again")) again(query.get("again"));

  /** The photo of an earlier staging, to be staged with changes. */
  async function again(id) {
    try {
      const job = await api(`/api/v1/stagings/${encodeURIComponent(id)}`, { signal });
      history.replaceState(null, "", "/");
      Object.assign(choice, { room: job.room, style: job.style, prompt: job.prompt ?? "", declutter: job.declutter });
      select(styles, job.style);
      options.reset();
      shown = takeAgain(job);
      select(rooms, job.room);
      refresh();
    } catch (error) {
      complain(error);
    }
  }

  return { title: undefined, element: view };
}

/** Waits until a photo is sent, or will not be. */
const arrival = photo => new Promise(resolve => {
  const settled = () => ["ready", "failed"].includes(photo.status) || !photos.includes(photo);
  if (settled()) return resolve();
  const done = new AbortController();
  onTray(() => { if (settled()) { done.abort(); resolve(); } }, done.signal);
});

/** Submits one staging. After a broken connection it is the same request again; too many at once wait their turn. */
async function order(photo, request) {
  const content = JSON.stringify(request);
  if (photo.order?.content !== content) {
    photo.order = { content, key: crypto.randomUUID() };
    // It may arrive though its answer does not, even over a reload.
    await keep(photo);
  }
  for (;;) {
    try {
      return await create(photo.regenerate ?? "/api/v1/stagings", request, state.session.challenge, photo.order.key);
    } catch (error) {
      if (!error.isPassing) photo.order = undefined;
      if (error.status !== 429 || !(error.retryAfter <= 90)) throw error;
      say(words.waiting.title, words.waiting.detail(error.retryAfter), { good: true });
      await new Promise(resolve => setTimeout(resolve, error.retryAfter * 1000));
      hush();
    }
  }
}

function optionFields(onchange) {
  const { qualities, options } = state.catalog;
  const quality = el("div.segments", {}, qualities.map(one => el("label", {},
    el("input", { type: "radio", name: "quality", value: one.id, onchange: () => { choice.quality = one.id; onchange(); } }),
    el("span", {}, one.name), el("small", {}, count(one.credits, "credit")))));
  const variations = el("div.segments", {}, Array.from({ length: options.maxVariations }, (_, i) => el("label", {},
    el("input", { type: "radio", name: "variations", value: i + 1, onchange: () => { choice.variations = i + 1; onchange(); } }),
    el("span", {}, String(i + 1)))));
  const declutter = el("input", { type: "checkbox", id: "declutter", onchange: () => { choice.declutter = declutter.checked; } });
  const prompt = el("textarea", { rows: 3, maxLength: options.maxPromptCharacters, placeholder: words.ownWordsHint, oninput: () => { choice.prompt = prompt.value; } });
  const element = el("details.options", {},
    el("summary", {}, words.options),
    el("fieldset.field", {}, el("legend", {}, words.quality), quality, el("p.small", {}, words.qualityHint)),
    el("fieldset.field", {}, el("legend", {}, words.variations), variations),
    options.declutter && el("label.check", {}, declutter, words.declutter),
    el("label.field", {}, words.ownWords, prompt));
  element.update = ({ id }) => {
    quality.querySelector(`[value="${CSS.escape(id)}"]`).checked = true;
    variations.querySelector(`[value="${choice.variations}"]`).checked = true;
  };
  element.reset = () => { declutter.checked = choice.declutter; prompt.value = choice.prompt; };
  element.reset();
  return element;
}

/** Photos dropped or pasted anywhere in the view. */
function acceptDrops(view, take, signal) {
  const isFiles = event => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", event => { if (isFiles(event)) { event.preventDefault(); view.classList.add("over"); } }, { signal });
  addEventListener("dragleave", event => { if (!event.relatedTarget) view.classList.remove("over"); }, { signal });
  addEventListener("drop", event => {
    if (!isFiles(event)) return;
    event.preventDefault();
    view.classList.remove("over");
    take(event.dataTransfer.files);
  }, { signal });
  addEventListener("paste", event => { if (event.clipboardData?.files.length) take(event.clipboardData.files); }, { signal });
}
