// What every view knows: who this is, what can be chosen, what there is to spend.

import { api } from "./api.js";

export const state = { session: undefined, catalog: undefined, credits: undefined };

const changes = new EventTarget();

/** Calls back whenever that part of the state was read anew, until the signal aborts. */
export const onChange = (part, listener, signal) => changes.addEventListener(part, listener, { signal });

/** Reads one at a time. Who asks while an answer is on its way gets the next one: that one may be from before what made them ask. */
const reader = (part, path) => {
  let running = Promise.resolve();
  let next;
  const read = async () => {
    next = undefined;
    const value = await api(path);
    state[part] = value;
    changes.dispatchEvent(new Event(part));
    return value;
  };
  return () => next ??= running = running.then(read, read);
};

export const readSession = reader("session", "/api/v1/session");
export const readCatalog = reader("catalog", "/api/v1/catalog");
export const readCredits = reader("credits", "/api/v1/credits");

/** The catalog's name of a room, style or quality. */
export const nameOf = (kind, id) => state.catalog?.[kind].find(choice => choice.id === id)?.name ?? id.replaceAll("_", " ");

export const isMember = () => state.session?.kind === "member";

export const isOver = job => ["succeeded", "failed", "canceled"].includes(job.status);

/** Of how many photos so many pictures each can be had now. */
export function affordable(quality, variations) {
  const { available, free } = state.credits;
  if (available > 0) return Math.floor(available / (quality.credits * variations));
  return quality.canBeFree ? Math.floor(free.left / variations) : 0;
}

/** What so many pictures cost now, whether that is free, and whether there is enough for it. */
export function price(quality, pictures) {
  const { available, free } = state.credits;
  const credits = quality.credits * pictures;
  const isFree = available === 0 && quality.canBeFree && pictures <= free.left;
  return { credits, isFree, isEnough: isFree || available >= credits, available, freeLeft: free.left, freeOf: free.of };
}
