// From photos to an order: choose photos, say what the rooms are and how they shall look, see the price, and go.

import { api } from "../lib/api.js";
import { asset, el, fill } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { icon } from "../lib/icons.js";
import { go } from "../lib/router.js";
import { affordable, onChange, price, readCatalog, state } from "../lib/state.js";
import { add, discard, keep, mostPhotos, onProgress, onTray, photos, resend, retry, takeAgain } from "../lib/tray.js";
import { announce, complain, guarded, hush, say } from "../parts/notice.js";
import { reveal, select, tiles } from "../parts/tiles.js";
import { text } from "../text.js";
import { choice, chosen, forgetExtras, optionFields, takeChoices } from "./stage/options.js";
import { arrival, isUnanswered, listing, order, staging } from "./stage/order.js";
import { tray } from "./stage/tray.js";

const words = text.stage;

let isSending = false;
let showsPrice;

export function show({ query, signal }) {
  const { catalog } = state;
  const photoInput = fileInput(false);
  const cameraInput = fileInput(true);
  const addButton = el("button.thumb.more", { type: "button", onclick: () => photoInput.click() }, icon("plus"), el("span", {}, words.more));
  const cards = tray(addButton);
  const desk = el("section.card.desk", { "aria-labelledby": "desk-title" });
  const rooms = tiles("rooms", "room", words.room, catalog.rooms, choice.room, chooseRoom);
  const styles = tiles("styles", "style", words.style, catalog.styles, choice.style, style => { choice.style = style; });
  const name = el("input", { id: "listing-name", maxLength: 100, autocomplete: "off", value: choice.name, placeholder: words.nameHint, oninput: () => { choice.name = name.value; } });
  const nameField = el("label.field", {}, words.name, name);
  const take = el("fieldset.segments.take", { id: "take", onchange: event => { choice.take = event.target.value; } });
  const cost = el("p.cost", { id: "cost", "aria-live": "polite" });
  const submit = el("button.primary.big", { type: "submit", id: "submit" });
  let options = optionFields();
  const form = el("form.choices.card", { id: "form", noValidate: true, onsubmit: guarded(furnish) }, nameField, rooms, styles, options, el("div.buy-bar", {}, take, cost, submit));
  const view = el("div.stage", { onchange: () => showPrice() },
    el("div.intro", {}, el("h1", { tabIndex: -1 }, words.title), el("p", {}, words.lead)), photoInput, cameraInput, desk, form);
  let shows;
  let shownPhoto;
  let shownPreview;

  const isListing = () => photos.length > 1;
  const going = () => photos.filter(photo => photo.status !== "failed");

  function fileInput(camera) {
    const input = el("input", {
      type: "file", id: camera ? "camera" : "photo", multiple: !camera, accept: "image/jpeg,image/png,image/webp", hidden: true,
      onchange: () => { takeFiles(input.files); input.value = ""; },
    });
    if (camera) input.setAttribute("capture", "environment");
    return input;
  }

  function chooseRoom(room) {
    choice.room = room;
    if (photos.length !== 1) return;
    photos[0].room = room;
    keep(photos[0]);
  }

  /** The desk has nothing on it, one photo, or a tray of them. It is only laid anew when that changes, or what is offered on the empty one. */
  function showDesk() {
    const { available, free } = state.credits;
    const wanted = photos.length === 0 ? `nothing ${available > 0} ${free.left}` : isListing() ? "tray" : photos[0];
    view.classList.toggle("has-photo", photos.length > 0);
    rooms.hidden = isListing();
    nameField.hidden = !isListing();
    if (wanted === "tray") cards.update();
    if (wanted === shows && photos.length === 0) return;
    if (wanted === shows && wanted === "tray") {
      desk.querySelector("h2").textContent = words.listing(photos.length);
      return;
    }
    if (wanted !== shows && wanted !== "tray") select(rooms, photos[0]?.room ?? choice.room);
    shows = wanted;
    if (photos.length === 0) fill(desk, title("h2.unseen", words.photos), dropHint(), sample());
    else if (wanted === "tray") fill(desk, title("h2", words.listing(photos.length)), el("p.small", {}, words.listingWhy), cards.element);
    else if (desk.contains(shownPreview) && wanted === shownPhoto) shownPreview.replaceWith(shownPreview = preview(wanted));
    else fill(desk, title("h2.unseen", words.photos), shownPreview = preview(shownPhoto = wanted), el("p.actions.beside", {}, moreButton(), removeButton(wanted)));
  }

  const title = (kind, words) => el(kind, { id: "desk-title" }, words);

  const dropHint = () => el("div.drop", {},
    el("div.drop-hint", {},
      icon("upload"),
      el("p.actions", {},
        el("button.primary", { type: "button", onclick: () => photoInput.click() }, icon("library"), words.choose),
        el("button.quiet.camera", { type: "button", onclick: () => cameraInput.click() }, icon("camera"), words.camera)),
      el("p.small.pointer", {}, words.dropHint),
      el("p.small", {}, words.kinds)));

  const sample = () => state.credits.available || state.credits.free.left ? el("div.sample", {},
    el("img", { src: asset("sample/empty-room-small.webp"), alt: "", width: 120, height: 90 }),
    el("div", {}, el("strong", {}, words.sample.title), el("p.small", {}, words.sample.why(state.credits.free.left))),
    el("button.quiet", { type: "button", id: "sample", onclick: guarded(stageSample) }, icon("spark"), state.credits.available ? words.sample.use : words.sample.go)) : null;

  const preview = photo => el("div.preview", {},
    el("img", { src: photo.url, alt: words.yourPhoto, onerror: event => event.currentTarget.classList.add("unreadable") }), status(photo));

  const moreButton = () => el("button.quiet", { type: "button", onclick: () => photoInput.click() }, icon("plus"), words.more);

  const removeButton = photo => el("button.quiet", { type: "button", onclick: () => discard(photo) }, icon("close"), words.anotherPhoto);

  function status(photo) {
    if (photo.status === "failed") {
      return el("div.photo-state.bad", { role: "alert" }, icon("warning"), el("span", {}, photo.error.reasons ?? photo.error.message),
        photo.canRetry && el("button.quiet", { type: "button", onclick: () => retry(photo) }, icon("again"), text.retry));
    }
    if (photo.status === "ready") return null;
    const bar = el("progress", { max: 1, "aria-label": words.uploading });
    if (photo.progress > 0) bar.value = photo.progress;
    return el("div.photo-state", {}, el("span", {}, words.uploading), bar);
  }

  function takeFiles(files) {
    if (!files?.length) return;
    hush();
    const left = add(files, choice.room);
    if (left) say(words.tooMany.title, words.tooMany.detail(mostPhotos(), left));
    announce(words.taken(files.length - left));
  }

  async function stageSample() {
    const answer = await fetch(asset("sample/empty-room.jpg")).catch(() => null);
    if (!answer?.ok) return say(text.errors.offline.title, text.errors.offline.detail);
    choice.room = "living_room";
    add([new File([await answer.blob()], "sample.jpg", { type: "image/jpeg" })], "living_room");
    Object.assign(choice, { variations: 1, quality: undefined });
    if (!state.credits.available) await furnish();
  }

  function showPrice() {
    const quality = usedQuality();
    const rooms = Math.max(1, going().length);
    const within = Math.min(rooms, affordable(quality, choice.variations));
    const whole = price(quality, rooms * choice.variations);
    // Some of them can be had: which it shall be is the person's to say.
    const isPart = rooms > 1 && !whole.isEnough && within > 0;
    const part = isPart && choice.take === "as_many";
    const { credits, isFree, available, freeLeft, freeOf } = part ? price(quality, within * choice.variations) : whole;
    // What the order costs that was not answered, the balance does not say any more: it may have been taken already.
    const isLost = !isSending && ordersOf(going()).some(isUnanswered);
    const isEnough = part || whole.isEnough || isLost;
    options.update(quality);
    take.hidden = !isPart || isLost;
    if (isPart) showTake(rooms, within, count(whole.credits, "credit"));
    submit.type = isEnough ? "submit" : "button";
    submit.disabled = isEnough && (isSending || going().length === 0);
    submit.onclick = isEnough ? null : () => go("/credits");
    fill(submit, isSending ? words.sending : isLost ? text.retry : isEnough ? words.go(part ? within : rooms) : words.getCredits);
    fill(cost, isLost ? [el("strong", {}, words.lost.title), el("span", {}, words.lost.detail)] : isFree
      ? [el("strong", {}, words.free), el("span", {}, words.freeOf(freeLeft, freeOf))]
      : [el("strong", {}, count(credits, "credit")), el("span", {}, isEnough ? words.ofYours(available) : words.short(available, freeLeft))]);
  }

  function showTake(rooms, within, credits) {
    const state = `${rooms} ${within} ${credits}`;
    if (take.dataset.shows !== state) {
      take.dataset.shows = state;
      fill(take, el("legend.unseen", {}, words.take.title),
        [["all", words.take.all(rooms), words.take.allWhy(credits)], ["as_many", words.take.some(within), words.take.someWhy(rooms - within)]].map(([value, label, why]) => el("label", {},
          el("input", { type: "radio", name: "take", value }), el("span", {}, label), el("small", {}, why))));
    }
    take.querySelector(`[value="${choice.take}"]`).checked = true;
  }

  /** Unless somebody chose, what is free while something is. */
  function usedQuality() {
    const { available, free } = state.credits;
    const id = choice.quality ?? (!available && free.left ? catalog.qualities.find(quality => quality.canBeFree)?.id : undefined) ?? catalog.options.defaultQuality;
    return catalog.qualities.find(quality => quality.id === id) ?? catalog.qualities[0];
  }

  /** What is ordered of these photos: a listing of several, and each of an earlier staging by itself. */
  function ordersOf(list) {
    const quality = usedQuality();
    const single = photo => staging(photo, { ...(photo.photoId && { photoId: photo.photoId }), room: photo.room, ...chosen(quality.id, Boolean(photo.regenerate)) });
    const fresh = list.filter(photo => !photo.regenerate);
    const together = fresh.length > 1 ? [listing(fresh, {
      ...(choice.name.trim() && { name: choice.name.trim() }),
      photos: fresh.map(photo => ({ photoId: photo.photoId, room: photo.room })),
      take: price(quality, fresh.length * choice.variations).isEnough ? "all" : choice.take,
      ...chosen(quality.id, false),
    })] : fresh.map(single);
    return [...together, ...list.filter(photo => photo.regenerate).map(single)];
  }

  async function furnish() {
    if (isSending) return;
    isSending = true;
    hush();
    showPrice();
    try {
      for (const photo of going()) await arrival(photo);
      const addresses = [];
      let isEarlier = false;
      for (const one of ordersOf(photos.filter(photo => photo.status === "ready"))) {
        if (isEarlier || !one.of.every(photo => photos.includes(photo))) continue;
        const made = await order(one);
        addresses.push(made.address);
        isEarlier = made.isEarlier;
      }
      if (signal.aborted || !addresses.length) return;
      if (!isEarlier) choice.prompt = choice.name = "";
      await go(addresses.length === 1 ? addresses[0] : "/library");
      if (isEarlier) say(words.arrived.title, words.arrived.detail, { good: true });
    } catch (error) {
      await refused(error);
    } finally {
      isSending = false;
      // Of the view that is shown by now.
      showsPrice();
    }
  }

  async function refused(error) {
    const isShort = ["insufficient_credits", "free_exhausted"].includes(error.code);
    const gone = ["photo_gone", "photo_unknown"].includes(error.code) ? (error.photos ?? []).filter(photo => photo.file) : [];
    if (gone.length) {
      gone.forEach(resend);
      return say(words.resent.title, words.resent.detail);
    }
    complain(error, isShort ? { label: words.getCredits, run: () => go("/credits") } : undefined);
    if (error.code !== "option_not_supported") return;
    // The service has another image model since this page was loaded.
    await readCatalog().catch(() => {});
    forgetExtras();
    const anew = optionFields();
    anew.open = true;
    options.replaceWith(anew);
    options = anew;
  }

  const refresh = () => { showDesk(); showPrice(); };
  onTray(refresh, signal);
  onProgress(() => {
    cards.progress();
    const bar = photos.length === 1 && desk.querySelector("progress");
    if (bar) bar.value = photos[0].progress;
  }, signal);
  onChange("credits", refresh, signal);
  acceptDrops(view, takeFiles, signal);
  showsPrice = showPrice;
  refresh();
  // Once it is in the page and has a size.
  requestAnimationFrame(() => { reveal(rooms); reveal(styles); });
  if (query.has("again")) again(query.get("again"));

  /** The photo of an earlier staging, to be staged with changes. */
  async function again(id) {
    try {
      const job = await api(`/api/v1/stagings/${encodeURIComponent(id)}`, { signal });
      history.replaceState(null, "", "/");
      takeChoices(job);
      select(styles, job.style);
      options.reset();
      takeAgain(job);
    } catch (error) {
      complain(error);
    }
  }

  return { title: undefined, element: view };
}

/** Photos dropped or pasted anywhere in the view. */
function acceptDrops(view, takeFiles, signal) {
  const isFiles = event => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", event => { if (isFiles(event)) { event.preventDefault(); view.classList.add("over"); } }, { signal });
  addEventListener("dragleave", event => { if (!event.relatedTarget) view.classList.remove("over"); }, { signal });
  addEventListener("drop", event => {
    if (!isFiles(event)) return;
    event.preventDefault();
    view.classList.remove("over");
    takeFiles(event.dataTransfer.files);
  }, { signal });
  addEventListener("paste", event => { if (event.clipboardData?.files.length) takeFiles(event.clipboardData.files); }, { signal });
}
