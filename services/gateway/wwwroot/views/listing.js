// A listing: several rooms in one style, each watched while it is made and looked at beside the others.

import { api, post } from "../lib/api.js";
import { el, fill } from "../lib/dom.js";
import { count, duration, when } from "../lib/format.js";
import { icon } from "../lib/icons.js";
import { onJob, onLink, onListing } from "../lib/live.js";
import { isOver, nameOf, readCredits } from "../lib/state.js";
import { photos } from "../lib/tray.js";
import { ask } from "../parts/ask.js";
import { announce, guarded, say } from "../parts/notice.js";
import { load, skeleton } from "../parts/waiting.js";
import { text } from "../text.js";
import { erase } from "./room/erase.js";

const words = text.listing;
const AskAgain = 5_000;

const shown = new WeakMap();

/** Fills an element, unless it shows the same already. */
function unlessShown(element, facts, content) {
  const now = JSON.stringify(facts);
  if (shown.get(element) === now) return;
  shown.set(element, now);
  fill(element, content());
}

export const listingName = listing => listing.name ?? words.unnamed(listing.photos);

export function show({ id, signal }) {
  const address = `/api/v1/listings/${id}`;
  const element = el("div.listing", {}, skeleton("24rem"));
  const cards = new Map();
  let listing;
  let isLinked = true;
  let side = "after";

  async function read() {
    const before = listing;
    listing = await api(address, { signal });
    document.title = `${listingName(listing)} · ${text.name}`;
    if (before && !before.finishedAt && listing.finishedAt) {
      announce(listing.status === "succeeded" ? words.ready : words.over);
      readCredits().catch(() => {});
    }
    showState();
    showItems();
  }

  const head = el("div.intro");
  const time = el("p.time", { role: "status" });
  const bar = el("progress");
  const receipt = el("p.small", { id: "receipt" });
  const actions = el("p.actions");
  const state = el("section.card.state", { id: "listing" }, time, bar, receipt, actions);
  const sides = el("fieldset.filters", { onchange: event => { side = event.target.value; showItems(); } },
    el("legend.unseen", {}, words.sides),
    Object.keys(words.side).map(name => el("label", {}, el("input", { type: "radio", name: "side", value: name, checked: name === side }), el("span", {}, words.side[name]))));
  const list = el("ul.rooms", { id: "items", "aria-label": words.rooms });

  async function open() {
    await read();
    fill(head, el("h1", { tabIndex: -1 }, listingName(listing)), el("p", {}, `${nameOf("styles", listing.style)} · ${when(listing.createdAt)}`));
    return [head, state, sides, list];
  }

  function showState() {
    const { counts, cost, urls } = listing;
    const all = listing.photos - counts.notStaged;
    const isEnded = Boolean(listing.finishedAt);
    fill(time, words.progress(counts.succeeded, all), !isEnded && listing.etaSeconds ? `, ${words.left(duration(listing.etaSeconds))}.` : ".");
    Object.assign(bar, { hidden: isEnded, max: all, value: all - counts.queued - counts.running, ariaLabel: words.progress(counts.succeeded, all) });
    fill(receipt, [
      cost.free ? words.free : isEnded ? words.charged(count(listing.receipt.captured, "credit"), listing.receipt.released) : words.held(count(cost.credits, "credit")),
      !isEnded && counts.succeeded === 0 && all > 1 && words.first,
      !isEnded && words.leave,
    ].filter(Boolean).join(" "));
    // Anew only where it differs: somebody may be at one of them by keyboard.
    unlessShown(actions, [urls.results, urls.cancel, isEnded, counts.notStaged], () => [
      urls.results && el("a.button.primary", { href: urls.results, download: "" }, icon("download"), words.download),
      urls.cancel && el("button.quiet", { type: "button", id: "cancel", onclick: guarded(cancel) }, words.cancel),
      counts.notStaged > 0 && photos.length > 0 && el("a.button.quiet", { href: "/" }, words.stageThem),
      isEnded && erase(listing, { question: { title: words.erase.title, detail: words.erase.detail(listing.photos) } }),
    ]);
  }

  function showItems() {
    sides.hidden = !listing.items.some(item => item.staging?.images?.length);
    for (const item of listing.items) {
      if (!cards.has(item.n)) cards.set(item.n, list.appendChild(el("li")));
      const card = cards.get(item.n);
      card.className = item.status === "succeeded" ? "" : isOver(item) ? "failed" : ["not_staged", "deleted"].includes(item.status) ? "" : "working";
      unlessShown(card, [item.status, pictureOf(item), item.staging?.images?.length], () => cardOf(item));
    }
  }

  const pictureOf = ({ staging }) => (side === "after" && staging?.images?.[0]?.urls.thumb) || (staging?.preview ?? staging?.urls.original);

  function cardOf(item) {
    const { n, room, status, staging, reason } = item;
    const said = reason && reason.code !== "insufficient_credits" ? reason.message : words.item[status];
    const name = [el("strong", {}, `${n}. ${nameOf("rooms", room)}`), el("span", {}, said)];
    if (!staging) return el("div.no-room", {}, icon(status === "deleted" ? "trash" : "credits"), name);
    return [
      el("a", { href: `/stagings/${staging.id}` }, el("img", { src: pictureOf(item), alt: "", loading: "lazy", width: 4, height: 3 }), name),
      staging.images?.length > 1 && el("b.badge", {}, text.library.pictures(staging.images.length)),
    ];
  }

  async function cancel() {
    if (!await ask(words.cancelTitle, words.cancelDetail, words.cancelYes)) return;
    const { result, canceled } = await post(listing.urls.cancel);
    if (result === "too_late") say(words.tooLate.title, words.tooLate.detail); else say(words.canceled(canceled), undefined, { good: true });
    await refresh();
  }

  const refresh = async () => {
    if (!listing) return load(element, open, signal);
    try {
      await read();
    } catch (error) {
      // Deleted meanwhile. Whatever else it is passes, and the next event asks again.
      if (error.status === 404 && !signal.aborted) await load(element, open, signal);
    }
  };

  // What changes comes as events; how the whole then stands the service says, once for all that come together.
  let soon;
  const later = () => { soon ??= setTimeout(() => { soon = undefined; refresh(); }, 150); };
  onJob(change => {
    const item = listing?.items.find(one => one.staging?.id === change.jobId);
    if (!item) return;
    if (isOver(change) || change.status !== item.status) return later();
    if (change.previewUrl) { item.staging.preview = change.previewUrl; showItems(); }
  }, signal);
  onListing(change => { if (change.listingId === id) later(); }, signal);
  onLink(isOpen => { isLinked = isOpen; }, signal);
  const asking = setInterval(() => { if (listing && !listing.finishedAt && !isLinked && navigator.onLine) refresh(); }, AskAgain);
  signal.addEventListener("abort", () => { clearInterval(asking); clearTimeout(soon); });
  refresh();
  return { title: words.view, element };
}
