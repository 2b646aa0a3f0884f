// Everything goes through the public API: JSON, problem details, idempotency keys.

import { solve } from "../challenge.js";
import { text } from "../text.js";

/** Why a request was refused, or never arrived (status 0, code "offline"). */
export class Problem extends Error {
  constructor(status, problem, retryAfter) {
    super(problem.detail ?? problem.title ?? text.errors.unknown.detail);
    this.status = status;
    this.code = problem.code;
    this.title = problem.title ?? text.errors.unknown.title;
    this.errors = problem.errors;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request, with the same key, may succeed later. */
  get isPassing() { return this.status === 0 || this.status === 429 || this.status >= 500; }

  /** What is wrong, field by field where it is so said. */
  get reasons() { return this.errors && !text.errors.codes[this.code] ? Object.values(this.errors).flat().join(" ") : this.message; }
}

// A little longer than the gateway waits for the service behind it.
const ReadLimit = 40_000;
const WriteLimit = 110_000;
/** How long no byte of a photo may move. */
const Stalled = 30_000;

const offline = () => new Problem(0, { ...text.errors.offline, code: "offline" });

const parse = (status, type, body, retryAfter) => {
  let content = {};
  try { content = type?.includes("json") ? JSON.parse(body) : {}; } catch { /* An answer that was cut says nothing. */ }
  if (status >= 200 && status < 300) return content;
  // What is said to programs here helps nobody who reads it on the page.
  content = { ...content, ...(status === 401 ? text.errors.session : text.errors.codes[content.code]) };
  throw new Problem(status, content, Number(retryAfter) || undefined);
};

/** Calls the API; throws a Problem. */
export async function api(path, { method = "GET", body, type, key, proof, signal } = {}) {
  const headers = { Accept: "application/json" };
  if (type) headers["Content-Type"] = type;
  if (key) headers["Idempotency-Key"] = key;
  if (proof) headers["Challenge-Response"] = proof;
  const limit = AbortSignal.timeout(method === "GET" ? ReadLimit : WriteLimit);
  let answer;
  let content;
  try {
    answer = await fetch(path, { method, body, headers, signal: signal ? AbortSignal.any([signal, limit]) : limit });
    content = await answer.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw offline();
  }
  return parse(answer.status, answer.headers.get("Content-Type"), content, answer.headers.get("Retry-After"));
}

export const post = (path, value, options = {}) =>
  api(path, { method: "POST", body: value && JSON.stringify(value), type: value && "application/json", ...options });

export const remove = path => api(path, { method: "DELETE" });

/** Creates something that costs; where that is for people only, the person is asked and the request made again. */
export async function create(path, value, challenge, key = crypto.randomUUID()) {
  try {
    return await post(path, value, { key });
  } catch (error) {
    if (error.code !== "challenge_required" || !challenge) throw error;
    const proof = await solve(challenge).catch(reason => { throw new Problem(0, { title: error.title, detail: reason.message, code: error.code }); });
    if (!proof) throw error;
    // The refused request has used its key up; the one of the other follows from it, to be the same again.
    return post(path, value, { key: `${key}-proved`, proof });
  }
}

/** Sends bytes and tells how many have gone; fetch cannot. */
export function upload(path, blob, { key, progress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", blob.type || "application/octet-stream");
    request.setRequestHeader("Idempotency-Key", key);
    let watchdog;
    const within = limit => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => { reject(offline()); request.abort(); }, limit);
    };
    request.upload.onprogress = event => { within(Stalled); progress(event.loaded / event.total); };
    request.upload.onload = () => within(WriteLimit);
    request.onloadend = () => clearTimeout(watchdog);
    request.onload = () => {
      try {
        resolve(parse(request.status, request.getResponseHeader("Content-Type"), request.responseText, request.getResponseHeader("Retry-After")));
      } catch (error) {
        reject(error);
      }
    };
    request.onerror = () => reject(offline());
    request.onabort = () => reject(new DOMException("", "AbortError"));
    signal?.addEventListener("abort", () => request.abort());
    within(Stalled);
    request.send(blob);
  });
}
