// Every staging of the account, the newest first; those under way move by themselves.

import { api } from "../lib/api.js";
import { el, fill } from "../lib/dom.js";
import { when } from "../lib/format.js";
import { icon } from "../lib/icons.js";
import { onJob } from "../lib/live.js";
import { isOver, nameOf } from "../lib/state.js";
import { announce, complain } from "../parts/notice.js";
import { empty, load, skeleton } from "../parts/waiting.js";
import { text } from "../text.js";
import { listings } from "./library/listings.js";
import { erase } from "./room/erase.js";

const words = text.library;
const PageSize = 24;

const filters = {
  all: () => true,
  listings: () => false,
  ready: job => job.status === "succeeded",
  working: job => !isOver(job),
  failed: job => ["failed", "canceled"].includes(job.status),
};

export function show({ signal }) {
  const jobs = new Map();
  /** What changed while the list was on its way, which may be from before. */
  const early = new Map();
  let cursor;
  let filter = "all";
  let isReading = false;

  const list = el("ul.rooms", { id: "rooms" });
  const end = el("div.end-of-list");
  const body = el("div", {}, el("div.rooms", {}, Array.from({ length: 6 }, () => skeleton("12rem"))));
  const bar = el("fieldset.filters", { onchange: event => { filter = event.target.value; showAll(); if (filter !== "listings") more(); } },
    el("legend.unseen", {}, words.filter),
    Object.keys(filters).map(name => el("label", {}, el("input", { type: "radio", name: "filter", value: name, checked: name === filter }), el("span", {}, words.filters[name]))));

  let allListings;

  function showAll() {
    const isListings = filter === "listings";
    list.hidden = end.hidden = isListings;
    if (isListings && !allListings) end.after(allListings = listings(signal));
    if (allListings) allListings.hidden = !isListings;
    if (isListings) return;
    const shown = [...jobs.values()].filter(filters[filter]).sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
    // Whoever is at one of them by keyboard stays there.
    const at = list.contains(document.activeElement) ? document.activeElement.getAttribute("href") : undefined;
    fill(list, shown.map(card));
    if (at) list.querySelector(`a[href="${CSS.escape(at)}"]`)?.focus({ preventScroll: true });
    fill(end, !shown.length && !cursor && el("p.small", {}, words.none), cursor && el("button.quiet", { type: "button", onclick: more }, words.more));
  }

  const card = job => {
    const thumb = job.images?.[0]?.urls.thumb;
    const isWorking = !isOver(job);
    return el(`li.${isWorking ? "working" : job.status}`, {},
      el("a", { href: `/stagings/${job.id}` },
        el("img", { src: thumb ?? job.urls.original, alt: "", loading: "lazy", width: 4, height: 3 }),
        el("strong", {}, `${nameOf("rooms", job.room)}, ${nameOf("styles", job.style)}`),
        el("span", {}, job.status === "succeeded" ? when(job.createdAt) : `${words.status[job.status]} · ${when(job.createdAt)}`)),
      job.images?.length > 1 && el("b.badge", {}, words.pictures(job.images.length)),
      isOver(job) && erase(job, { done: () => { jobs.delete(job.id); showAll(); }, style: "button.round.remove", content: icon("trash") }));
  };

  async function page() {
    const { items, nextCursor } = await api(`/api/v1/stagings?limit=${PageSize}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`, { signal });
    for (const job of items) jobs.set(job.id, job);
    cursor = nextCursor;
  }

  async function more() {
    if (!cursor || isReading || filter === "listings") return;
    isReading = true;
    try { await page(); } catch (error) { complain(error); return; } finally { isReading = false; }
    showAll();
    fillScreen();
  }

  /** A filter may leave little of a page: the next one follows until the screen is full. */
  const fillScreen = () => { if (cursor && !end.hidden && end.getBoundingClientRect().top < innerHeight + 400) more(); };

  load(body, async () => {
    await page();
    for (const change of early.values()) await changed(change);
    if (!jobs.size) return empty("library", words.empty.title, words.empty.detail, el("a.button.primary", { href: "/" }, words.empty.action));
    showAll();
    new IntersectionObserver(entries => { if (entries.some(entry => entry.isIntersecting)) more(); }, { rootMargin: "400px" }).observe(end);
    return [bar, list, end];
  }, signal);

  async function changed(change) {
    const known = jobs.get(change.jobId);
    if (change.status === known?.status) return;
    try {
      const job = change.id ? change : await api(`/api/v1/stagings/${change.jobId}`, { signal });
      jobs.set(job.id, job);
      if (isOver(job) && known && !isOver(known)) announce(words.ended(nameOf("rooms", job.room), words.status[job.status]));
      showAll();
    } catch {
      // Deleted meanwhile, or offline: the list stays as it is.
    }
  }

  onJob(change => { if (list.isConnected) changed(change); else early.set(change.jobId, change); }, signal);

  return { title: text.views.library, element: el("div.library", {}, el("div.intro", {}, el("h1", { tabIndex: -1 }, words.title)), body) };
}
