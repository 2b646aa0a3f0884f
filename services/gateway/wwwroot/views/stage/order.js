// Sends what was chosen, once: under the same key as long as it may have arrived already.

import { create } from "../../lib/api.js";
import { state } from "../../lib/state.js";
import { keep, onTray, photos } from "../../lib/tray.js";
import { hush, say } from "../../parts/notice.js";
import { text } from "../../text.js";

const LongestWait = 90;

/** Waits until a photo is sent, or will not be. */
export const arrival = photo => new Promise(resolve => {
  const settled = () => ["ready", "failed"].includes(photo.status) || !photos.includes(photo);
  if (settled()) return resolve();
  const done = new AbortController();
  onTray(() => { if (settled()) { done.abort(); resolve(); } }, done.signal);
});

/** Submits the staging of one photo. */
export const order = (photo, request) => once([photo], photo.regenerate ?? "/api/v1/stagings", request);

/** Submits a listing of several. */
export const orderListing = (ready, request) => once(ready, "/api/v1/listings", request);

/** The key is kept with the first photo: the request may arrive though its answer does not, even over a reload. */
async function once(ready, path, request) {
  const [first] = ready;
  const content = JSON.stringify(request);
  if (first.order?.content !== content) {
    first.order = { content, key: crypto.randomUUID() };
    await keep(first);
  }
  try {
    return await patiently(path, request, first.order.key);
  } catch (error) {
    if (!error.isPassing) first.order = undefined;
    const named = Object.keys(error.errors ?? {}).map(field => ready[/^photos\[(\d+)\]/.exec(field)?.[1]]).filter(Boolean);
    error.photos = named.length ? named : ready;
    throw error;
  }
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
