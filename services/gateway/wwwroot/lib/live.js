// One event stream for the account, whatever the number of tabs: the tab that holds the lock reads it and tells the others.
// A stream resumes where it was cut; one that is silent too long, as after a computer's sleep, is opened again.

import { readCredits, readSession, state } from "./state.js";

const Silence = 45_000;
const FirstWait = 1_000;
const LongestWait = 30_000;
const names = ["queued", "running", "progress", "succeeded", "failed", "canceled"];

const heard = new EventTarget();
const channel = "BroadcastChannel" in window ? new BroadcastChannel("homestage-live") : undefined;

let source;
let lastId;
let lastHeard = Date.now();
let wait = FirstWait;
let retry;
let leads = false;

/** Calls back with what changed of a staging: { jobId, status, phase, … }, or a whole staging after a gap. */
export const onJob = (listener, signal) => heard.addEventListener("job", event => listener(event.detail), { signal });

/** Calls back with whether events arrive. */
export const onLink = (listener, signal) => heard.addEventListener("link", event => listener(event.detail), { signal });

/** Whether somebody else signed in or out in another tab. */
export const onOtherAccount = listener => heard.addEventListener("account", listener);

/** Starts to listen, once. */
export function listen() {
  if (channel) {
    channel.onmessage = ({ data }) => {
      if (data.account !== state.session.accountId) heard.dispatchEvent(new Event("account"));
      else if (data.kind) take(data);
    };
    // Tabs of another account hear that it is not the browser's any more.
    tell({});
  }
  lead(false);
  addEventListener("online", reopen);
  document.addEventListener("visibilitychange", check);
  setInterval(check, 5_000);
}

/** Becomes the tab that reads the stream, when no other does; or at once, when the one that does is silent. */
function lead(steal) {
  const read = () => {
    leads = true;
    open();
    return new Promise(() => {}); // The lock is held until this page is gone.
  };
  if (!navigator.locks || !channel) return void read();
  navigator.locks.request("homestage-live", steal ? { steal: true } : {}, read).catch(error => {
    // Another tab has taken over; without any storage there are no locks, and every tab reads for itself.
    if (error.name === "SecurityError") return void read();
    if (error.name !== "AbortError") return;
    leads = false;
    close();
    lead(false);
  });
}

function open() {
  close();
  source = new EventSource(lastId ? `/api/v1/events?lastEventId=${encodeURIComponent(lastId)}` : "/api/v1/events");
  source.onopen = () => { wait = FirstWait; link(true); };
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
  for (const name of names) source.addEventListener(name, event => pass({ kind: "job", job: JSON.parse(event.data) }, event));
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
    const before = state.session.accountId;
    try {
      if ((await readSession()).accountId !== before) return heard.dispatchEvent(new Event("account"));
    } catch {
      return again();
    }
    open();
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
  if (message.kind === "job") heard.dispatchEvent(new CustomEvent("job", { detail: message.job }));
}

const link = isOpen => pass({ kind: "link", isOpen });

function tell(message) {
  try { channel?.postMessage({ ...message, account: state.session.accountId }); } catch { /* The channel closes with the page. */ }
}
