// Sends what was chosen, once: under the same key as long as it may have arrived already.

import { create } from "../../lib/api.js";
import { state } from "../../lib/state.js";
import { discard, keep, onTray, photos } from "../../lib/tray.js";
import { hush, say } from "../../parts/notice.js";
import { text } from "../../text.js";
import { choice } from "./options.js";

const LongestWait = 90;
const Listings = "/api/v1/listings";

/** Waits until a photo is sent, or will not be. */
export const arrival = photo => new Promise(resolve => {
  const settled = () => ["ready", "failed"].includes(photo.status) || !photos.includes(photo);
  if (settled()) return resolve();
  const done = new AbortController();
  onTray(() => { if (settled()) { done.abort(); resolve(); } }, done.signal);
});

/** The staging of one photo. */
export const staging = (photo, request) => ({ of: [photo], path: photo.regenerate ?? "/api/v1/stagings", request });

/** The listing of several. */
export const listing = (of, request) => ({ of, path: Listings, request });

/** What the person chose of a request. What the page makes of it follows the balance, which the order itself may have changed. */
const wishOf = request => JSON.stringify({ ...request, quality: choice.quality, take: choice.take });

/** Whether just this was sent before and not answered. */
export const isUnanswered = ({ of, request }) => of.find(photo => photo.order)?.order.wish === wishOf(request);

/**
 * Orders it and takes its photos out of the tray. Gives { address, isEarlier }: earlier if another order of these photos, whose answer was
 * lost, turned out to have arrived. Then that is shown, and nothing else was ordered.
 */
export async function order(one) {
  // The key is kept with a photo: the request may arrive though its answer does not, even over a reload.
  const holder = one.of.find(photo => photo.order) ?? one.of[0];
  const wish = wishOf(one.request);
  if (holder.order?.wish !== wish) {
    // Another choice goes out under the same key, which is good for the first of them that arrives.
    holder.order = { path: one.path, request: one.request, wish, key: holder.order?.key ?? crypto.randomUUID(), before: holder.order };
    await keep(holder);
  }
  for (let sent = holder.order; ;) {
    try {
      const answer = await patiently(sent.path, sent.request, sent.key);
      holder.order = undefined;
      empty(sent, answer);
      return { address: `${sent.path === Listings ? "/listings" : "/stagings"}/${answer.id}`, isEarlier: sent.wish !== wish };
    } catch (error) {
      if (error.code === "idempotency_conflict" && sent.before) { sent = sent.before; continue; }
      error.photos = namedIn(error, one.of);
      // Only a refusal settles it. Who is signed out may have ordered it, and be back soon.
      if (error.isPassing !== false || error.status === 401) throw error;
      holder.order = undefined;
      await keep(holder);
      if (sent.wish === wish) throw error;
      // What had arrived was refused.
      return order(one);
    }
  }
}

/** What the credits did not reach for stays in the tray. */
function empty({ path, request }, answer) {
  const left = new Set(answer.items?.filter(item => item.status === "not_staged").map(item => item.photoId));
  const ids = new Set([request.photoId, ...(request.photos ?? []).map(photo => photo.photoId)]);
  for (const photo of photos.filter(one => (one.regenerate ? one.regenerate === path : ids.has(one.photoId)))) {
    if (left.has(photo.photoId)) keep(photo); else discard(photo);
  }
}

function namedIn(error, of) {
  const named = Object.keys(error.errors ?? {}).map(field => of[/^photos\[(\d+)\]/.exec(field)?.[1]]).filter(Boolean);
  return named.length ? named : of;
}

/** After a broken connection it is the same request again; too many at once wait their turn. */
async function patiently(path, request, key) {
  for (;;) {
    try {
      return await create(path, request, state.session.challenge, key);
    } catch (error) {
      if (error.status !== 429 || !(error.retryAfter <= LongestWait)) throw error;
      say(text.stage.waiting.title, text.stage.waiting.detail(error.retryAfter), { good: true });
      await new Promise(resolve => setTimeout(resolve, error.retryAfter * 1000));
      hush();
    }
  }
}
