// One staging: watched while it is made, looked at when it is there, explained when it is not.

import { api } from "../lib/api.js";
import { el } from "../lib/dom.js";
import { onJob, onLink } from "../lib/live.js";
import { isOver, nameOf, readCredits } from "../lib/state.js";
import { announce } from "../parts/notice.js";
import { load, skeleton } from "../parts/waiting.js";
import { text } from "../text.js";
import { ended } from "./room/ended.js";
import { look } from "./room/look.js";
import { watch } from "./room/watch.js";

const AskAgain = 5_000;

export function show({ id, signal }) {
  const element = el("div.room", {}, skeleton("24rem"));
  const address = `/api/v1/stagings/${id}`;
  let watched;
  let isLinked = true;
  let hasEnded = false;

  async function read() {
    hasEnded = false;
    const job = await api(address, { signal });
    // Its end was told while this answer was on its way.
    if (!isOver(job) && hasEnded) return read();
    document.title = `${titleOf(job)} · ${text.name}`;
    if (!isOver(job)) {
      if (watched) { watched.update({ ...job, jobId: job.id }); return [...element.children]; }
      watched = watch(job, refresh, signal);
      return head(job, text.watch.title, watched.element);
    }
    const hasPictures = job.images?.length > 0;
    const part = hasPictures && job.status !== "succeeded" ? text.look.part[job.status] : undefined;
    if (watched) {
      announce(part ?? (hasPictures ? text.look.ready : text.ended[job.status].title));
      readCredits().catch(() => {});
    }
    watched = undefined;
    return head(job, part, hasPictures ? look(job) : ended(job));
  }

  const refresh = () => load(element, read, signal);

  onJob(change => {
    if (change.jobId !== id) return;
    hasEnded ||= isOver(change);
    if (!watched) return;
    if (isOver(change)) refresh(); else watched.update(change);
  }, signal);
  onLink(isOpen => { isLinked = isOpen; }, signal);
  // Whoever gets no events asks, as long as there is something to wait for.
  const asking = setInterval(() => { if (watched && !isLinked && navigator.onLine) api(address, { signal }).then(job => { if (isOver(job)) refresh(); else watched?.update({ ...job, jobId: id }); }).catch(() => {}); }, AskAgain);
  signal.addEventListener("abort", () => clearInterval(asking));
  refresh();
  return { title: text.views.room, element };
}

const titleOf = job => `${nameOf("rooms", job.room)}, ${nameOf("styles", job.style)}`;

const head = (job, lead, content) => [
  el("div.intro", {}, el("h1", { tabIndex: -1 }, titleOf(job)), lead && el("p", {}, lead),
    job.listingId && el("p", {}, el("a", { href: `/listings/${job.listingId}` }, text.listing.partOf))),
  content,
];
