// One event stream for the account, whatever the number of tabs: the tab that holds the lock reads it and tells the others.
// A stream resumes where it was cut; one that is silent too long, as after a computer's sleep, is opened again.

import { api } from "./api.js";
import { readCredits, state } from "./state.js";

const Silence = 45_000;
const FirstWait = 1_000;
const LongestWait = 30_000;
const jobEvents = ["queued", "running", "progress", "succeeded", "failed", "canceled"];
const otherEvents = { listing_ended: "listing", webhook_disabled: "webhook" };

const heard = new EventTarget();
const channel = openChannel();

let source;
let lastId;
let lastHeard = Date.now();
let wait = FirstWait;
let retry;
let leads = false;
let hasOpened = false;
let letGo = () => {};
let asking;

/** Aborts when this browser has become another account than this tab's. */
const left = new AbortController();

/** Calls back with what changed of a staging: { jobId, status, phase, … }, or a whole staging after a gap. */
export const onJob = (listener, signal) => heard.addEventListener("job", event => listener(event.detail), { signal });

/** Calls back with a listing that has ended: { listingId, status, … }. */
export const onListing = (listener, signal) => heard.addEventListener("listing", event => listener(event.detail), { signal });

/** Calls back with a webhook endpoint that the service has turned off: { endpointId, reason, at }. */
export const onWebhookDisabled = (listener, signal) => heard.addEventListener("webhook", event => listener(event.detail), { signal });

/** Calls back with whether events arrive. */
export const onLink = (listener, signal) => heard.addEventListener("link", event => listener(event.detail), { signal });

/** Calls back when this browser has become another account, with whether a sign-in has ended here. */
export const onOtherAccount = listener => heard.addEventListener("account", event => listener(event.detail === true));

/** Starts to listen, once. */
export function listen() {
  if (channel) {
    channel.onmessage = ({ data }) => {
      if (data.account !== state.session.accountId) askWhoItIs();
      else if (data.kind) take(data);
    };
    // Tabs of another account hear that it is not the browser's any more.
    tell({});
  }
  lead(false);
  const { signal } = left;
  addEventListener("online", reopen, { signal });
  document.addEventListener("visibilitychange", check, { signal });
  const clock = setInterval(check, 5_000);
  signal.addEventListener("abort", () => clearInterval(clock));
}

/** Two tabs are of different accounts since somebody signed in or out: the one whose account it still is leads. */
function askWhoItIs() {
  asking ??= isStillMine().then(isMine => { if (isMine && !leads) lead(true); }, () => {}).finally(() => { asking = undefined; });
}

/** Whether this browser is still the account of this tab. A tab of another hears and tells nothing any more. */
async function isStillMine() {
  const now = await api("/api/v1/session");
  if (now.accountId === state.session.accountId) return true;
  if (left.signal.aborted) return false;
  left.abort();
  channel?.close();
  close();
  letGo();
  heard.dispatchEvent(new CustomEvent("account", { detail: state.session.kind === "member" && now.kind !== "member" }));
  return false;
}

function openChannel() {
  try {
    return new BroadcastChannel("homestage-live");
  } catch {
    return undefined; // Without storage there are no channels either: every tab reads for itself.
  }
}

/** Becomes the tab that reads the stream, when no other does; or at once, when the one that does is silent. */
function lead(steal) {
  const read = () => {
    if (left.signal.aborted) return undefined;
    leads = true;
    open();
    return new Promise(resolve => { letGo = resolve; }); // The lock is held until this page is gone, or of another account.
  };
  if (!navigator.locks || !channel) return void read();
  navigator.locks.request("homestage-live", steal ? { steal: true } : {}, read).catch(error => {
    // Another tab has taken over; without any storage there are no locks, and every tab reads for itself.
    if (error.name === "SecurityError") return void read();
    if (error.name !== "AbortError" || left.signal.aborted) return;
    leads = false;
    close();
    lead(false);
  });
}

function open() {
  close();
  source = new EventSource(lastId ? `/api/v1/events?lastEventId=${encodeURIComponent(lastId)}` : "/api/v1/events");
  source.onopen = () => {
    wait = FirstWait;
    link(true);
    // What broke it may have been a sign-in, and then this is the stream of somebody else.
    if (hasOpened) isStillMine().catch(() => {});
    hasOpened = true;
  };
  source.onerror = () => {
    link(false);
    // Anything but a broken connection ends an EventSource; we go on, more and more slowly.
    if (source?.readyState === EventSource.CLOSED) again();
  };
  source.addEventListener("ping", () => pass({ kind: "ping" }));
  source.addEventListener("credits", event => pass({ kind: "credits" }, event));
  source.addEventListener("snapshot", event => {
    for (const job of JSON.parse(event.data).jobs) pass({ kind: "job", job: { ...job, jobId: job.id } }, event);
    pass({ kind: "credits" }, event);
  });
  for (const name of jobEvents) source.addEventListener(name, event => pass({ kind: "job", job: JSON.parse(event.data) }, event));
  for (const [name, kind] of Object.entries(otherEvents)) source.addEventListener(name, event => pass({ kind, what: JSON.parse(event.data) }, event));
}

function close() {
  clearTimeout(retry);
  source?.close();
  source = undefined;
}

function again() {
  clearTimeout(retry);
  retry = setTimeout(async () => {
    // A session that has ended answers 401 for ever: find out who this browser is now.
    try {
      if (await isStillMine()) open();
    } catch {
      again();
    }
  }, wait * (0.75 + Math.random() / 2));
  wait = Math.min(LongestWait, wait * 2);
}

function reopen() {
  if (!leads) return;
  wait = FirstWait;
  open();
}

function check() {
  if (document.visibilityState !== "visible" || Date.now() - lastHeard < Silence) return;
  lastHeard = Date.now();
  if (leads) reopen(); else lead(true);
}

/** What this tab's stream says: for itself and for the others. */
function pass(message, event) {
  if (event?.lastEventId) lastId = event.lastEventId;
  take(message);
  tell(message);
}

function take(message) {
  lastHeard = Date.now();
  if (message.kind === "link") return heard.dispatchEvent(new CustomEvent("link", { detail: message.isOpen }));
  if (message.kind === "credits") readCredits().catch(() => {});
  if (message.what) heard.dispatchEvent(new CustomEvent(message.kind, { detail: message.what }));
  if (message.kind === "job") heard.dispatchEvent(new CustomEvent("job", { detail: message.job }));
}

const link = isOpen => pass({ kind: "link", isOpen });

function tell(message) {
  try { channel?.postMessage({ ...message, account: state.session.accountId }); } catch { /* The channel closes with the page. */ }
}
