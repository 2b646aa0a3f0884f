// The photos that were chosen and not yet staged. Each is sent by itself, two at a time, at once. They outlive a reload and the way to Stripe's
// page and back: the browser's cache keeps them for a day.

import { upload } from "./api.js";
import { prepare, PhotoProblem } from "./photo.js";
import { state } from "./state.js";

/** How many photos there may be at once. */
export const mostPhotos = () => state.catalog.options.maxListingPhotos;

const AtOnce = 2;
const Tries = 3;
const Cache = "homestage-tray";
// Where a sign-in notes whose things became this account's.
const Merged = "homestage-merged";
const Day = 86_400_000;

const changes = new EventTarget();
let sending = 0;
let latest = 0;

export const photos = [];

export const onTray = (listener, signal) => changes.addEventListener("change", listener, { signal });

/** Calls back while bytes go, which changes nothing but photo.progress. */
export const onProgress = (listener, signal) => changes.addEventListener("progress", listener, { signal });

const changed = () => changes.dispatchEvent(new Event("change"));

/** Takes files; says how many there was no place for. */
export function add(files, room) {
  const taken = [...files].slice(0, mostPhotos() - photos.length);
  for (const file of taken) {
    const photo = { id: crypto.randomUUID(), file, room: roomNamed(file.name) ?? room, url: URL.createObjectURL(file), status: "waiting", progress: 0, at: moment() };
    photos.push(photo);
    keep(photo);
  }
  changed();
  next();
  return files.length - taken.length;
}

/** "Kitchen 2.jpg" shows a kitchen. */
const roomNamed = file => state.catalog.rooms.find(room => letters(file).includes(letters(room.name)))?.id;
const letters = words => words.toLowerCase().replace(/[^a-z]/g, "");

/** Now, and later than before: photos come back in their order. */
const moment = () => (latest = Math.max(Date.now(), latest + 1));

/** Takes the photo of an earlier staging, which is not sent again. */
export function takeAgain(job) {
  const there = photos.find(photo => photo.regenerate === job.urls.regenerate);
  if (there) return there;
  const photo = { id: crypto.randomUUID(), room: job.room, url: job.urls.original, regenerate: job.urls.regenerate, status: "ready", progress: 1, at: moment() };
  photos.push(photo);
  changed();
  return photo;
}

export function discard(photo) {
  photo.abort?.abort();
  URL.revokeObjectURL(photo.url);
  const at = photos.indexOf(photo);
  if (at >= 0) photos.splice(at, 1);
  // An order of several that may have arrived is remembered by those that are left.
  const heir = photo.order && photos.find(one => photo.order.request.photos?.some(other => other.photoId === one.photoId));
  if (heir) {
    heir.order = photo.order;
    keep(heir);
  }
  forget(photo);
  changed();
  next();
}

export function retry(photo) {
  photo.status = "waiting";
  changed();
  next();
}

/** Sends a photo once more that the service does not have any longer. */
export function resend(photo) {
  photo.photoId = photo.key = photo.order = undefined;
  photo.progress = 0;
  retry(photo);
}

/** Puts back what was there before a reload. What is another account's waits for it, for its day. */
export async function recall() {
  try {
    const merged = sessionStorage.getItem(Merged);
    sessionStorage.removeItem(Merged);
    const cache = await caches.open(Cache);
    for (const request of await cache.keys()) {
      const kept = await cache.match(request);
      const { account, name, ...facts } = JSON.parse(decodeURIComponent(kept.headers.get("X-Tray")));
      if (Date.now() - facts.at > Day) { await cache.delete(request); continue; }
      if (![state.session.accountId, merged].includes(account) || photos.some(photo => photo.id === facts.id)) continue;
      const content = await kept.blob();
      const file = new File([content], name, { type: content.type });
      const photo = { ...facts, file, url: URL.createObjectURL(file), status: facts.photoId ? "ready" : "waiting", progress: 0 };
      photos.push(photo);
      if (account === merged) await keep(photo);
    }
    photos.sort((a, b) => a.at - b.at);
    if (photos.length) changed();
    next();
  } catch {
    // No storage in this browser: photos last as long as the page.
  }
}

/** Writes down what a photo is now. */
export async function keep(photo) {
  if (photo.regenerate) return;
  try {
    const cache = await caches.open(Cache);
    const { id, room, photoId, order, at, file: { name } } = photo;
    const facts = encodeURIComponent(JSON.stringify({ id, name, room, photoId, order, at, account: state.session.accountId }));
    await cache.put(`/kept/${photo.id}`, new Response(photo.file, { headers: { "X-Tray": facts, "Content-Type": photo.file.type } }));
    if (!photos.includes(photo)) await cache.delete(`/kept/${photo.id}`);
  } catch {
    // As above.
  }
}

async function forget(photo) {
  try {
    await (await caches.open(Cache)).delete(`/kept/${photo.id}`);
  } catch {
    // Nothing was kept.
  }
}

function next() {
  while (sending < AtOnce) {
    const photo = photos.find(one => one.status === "waiting");
    if (!photo) return;
    sending++;
    send(photo).finally(() => { sending--; next(); });
  }
}

async function send(photo) {
  photo.status = "uploading";
  photo.key ??= crypto.randomUUID();
  photo.abort = new AbortController();
  photo.error = undefined;
  changed();
  try {
    photo.sent ??= await prepare(photo.file, state.catalog.photo);
    for (let tries = 1; ;) {
      try {
        photo.photoId = (await upload("/api/v1/photos", photo.sent, {
          key: photo.key,
          signal: photo.abort.signal,
          progress: part => { photo.progress = part; changes.dispatchEvent(new Event("progress")); },
        })).id;
        break;
      } catch (error) {
        // Whoever has to wait for its turn has not tried yet.
        if (!error.isPassing || (error.status !== 429 && tries++ === Tries)) throw error;
        await new Promise(resolve => setTimeout(resolve, Math.min(30, error.retryAfter ?? 2 ** tries) * 1000));
        photo.abort.signal.throwIfAborted();
      }
    }
    photo.status = "ready";
    await keep(photo);
  } catch (error) {
    if (error.name === "AbortError") return;
    photo.status = "failed";
    photo.error = error;
    // What is wrong with the file itself does not get better by sending it again.
    photo.canRetry = !(error instanceof PhotoProblem) && error.isPassing === true;
    if (!photo.canRetry) photo.key = undefined;
  }
  changed();
}
