// The page: everything goes through the public API. No markup is made from text; elements are.

import { solve } from "/challenge.js";

const $ = id => document.getElementById(id);
const el = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
const names = new Map();
const nameOf = id => names.get(id) ?? id;

let catalog;
let credits;
let photo;
let upload;
let stream;
let clock;
let submitting = false;

class Problem extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? "Something went wrong.");
    Object.assign(this, { status, code: problem.code, title: problem.title, errors: problem.errors });
  }
}

async function api(path, { method = "GET", body, type, key, answer: proof } = {}) {
  const headers = { Accept: "application/json" };
  if (type) headers["Content-Type"] = type;
  if (key) headers["Idempotency-Key"] = key;
  if (proof) headers["Challenge-Response"] = proof;
  let answer;
  try {
    answer = await fetch(path, { method, body, headers });
  } catch {
    throw new Problem(0, { title: "HomeStage cannot be reached", detail: "Check your connection and try again.", code: "offline" });
  }
  const isJson = answer.headers.get("Content-Type")?.includes("json");
  const content = isJson ? await answer.json() : {};
  if (!answer.ok) throw new Problem(answer.status, content);
  return content;
}

const post = (path, value, key, answer) =>
  api(path, { method: "POST", body: value && JSON.stringify(value), type: value && "application/json", key, answer });

/** Creates something; where that is for people only, the person is asked and the request made again. */
async function create(path, value) {
  try {
    return await post(path, value, crypto.randomUUID());
  } catch (error) {
    if (error.code !== "challenge_required" || !session.challenge) throw error;
    const answer = await solve(session.challenge).catch(reason => { throw new Problem(0, { title: error.title, detail: reason.message, code: error.code }); });
    if (!answer) throw error;
    return post(path, value, crypto.randomUUID(), answer);
  }
}

// Messages

function say(title, detail, { good = false, action } = {}) {
  $("notice").classList.toggle("good", good);
  $("notice-title").textContent = title;
  $("notice-detail").textContent = detail ?? "";
  $("notice-action").hidden = !action;
  if (action) {
    $("notice-action").textContent = action.label;
    $("notice-action").onclick = () => { hush(); action.run(); };
  }
  $("notice").hidden = false;
}

const hush = () => { $("notice").hidden = true; };

function complain(error) {
  if (!(error instanceof Problem)) throw error;
  const reasons = error.errors ? Object.values(error.errors).flat().join(" ") : error.message;
  const isShort = error.code === "insufficient_credits" || error.code === "free_exhausted";
  say(error.title ?? "That did not work", reasons, isShort ? { action: { label: "Buy credits", run: openShop } } : {});
}

const guarded = work => async event => {
  event?.preventDefault();
  try { await work(event); } catch (error) { complain(error); }
};

// Balance and prices

async function readCredits() {
  credits = await api("/api/v1/credits");
  const free = credits.free?.left ?? 0;
  const parts = [plural(credits.available, "credit")];
  if (credits.held) parts.push(`${credits.held} in use`);
  if (!credits.available && free) parts.push(`${free} free`);
  $("balance").textContent = parts.join(" · ");
  showCost();
}

const chosenQuality = () => catalog.qualities.find(quality => quality.id === new FormData($("form")).get("quality"));

function showCost() {
  if (!catalog || !credits) return;
  const quality = chosenQuality();
  const pictures = Number($("variations").value);
  const cost = quality.credits * pictures;
  const free = credits.free?.left ?? 0;
  const isFree = !credits.available && quality.canBeFree && pictures <= free;
  $("submit").disabled = !photo || submitting;
  $("submit").textContent = submitting ? "Sending…" : "Furnish this room";
  $("cost").textContent = isFree
    ? `Free: ${free} of ${credits.free.of} left. The picture carries a label.`
    : `${plural(cost, "credit")} for ${plural(pictures, "picture")}. What is not delivered costs nothing.`
      + (!credits.available && free ? ` Without credits you can make ${plural(free, "free draft")}.` : "");
}

// Choices

function showCatalog() {
  for (const [id, choices, initial] of [["room", catalog.rooms, "living_room"], ["style", catalog.styles, "scandinavian"]]) {
    $(id).replaceChildren(...choices.map(choice => {
      names.set(choice.id, choice.name);
      return el("option", { value: choice.id, textContent: choice.name, selected: choice.id === initial });
    }));
  }
  $("quality").replaceChildren(...catalog.qualities.map(quality => el("label", {},
    el("input", { type: "radio", name: "quality", value: quality.id, checked: quality.id === catalog.options.defaultQuality }),
    quality.name, el("span", { textContent: plural(quality.credits, "credit") }))));
  $("variations").replaceChildren(...Array.from({ length: catalog.options.maxVariations },
    (_, index) => el("option", { value: index + 1, textContent: index + 1 })));
}

function choosePhoto(file) {
  if (!file) return;
  if (file.size > catalog.photo.maxBytes) {
    say("The photo is too large", `It may have up to ${Math.floor(catalog.photo.maxBytes / 1e6)} MB.`);
    return;
  }
  hush();
  photo = file;
  upload = undefined;
  if ($("preview").src) URL.revokeObjectURL($("preview").src);
  $("preview").src = URL.createObjectURL(file);
  $("preview").hidden = false;
  $("drop-hint").hidden = true;
  showCost();
}

// Submitting and following

async function submit() {
  hush();
  submitting = true;
  showCost();
  try {
    // A photo is sent once, whatever is tried with it.
    upload ??= await api("/api/v1/photos", { method: "POST", body: photo, type: photo.type || "application/octet-stream", key: crypto.randomUUID() });
    const job = await create("/api/v1/stagings", {
      photoId: upload.id,
      room: $("room").value,
      style: $("style").value,
      quality: chosenQuality().id,
      variations: Number($("variations").value),
      declutter: $("declutter").checked,
      ...($("prompt").value.trim() && { prompt: $("prompt").value.trim() }),
    });
    upload = undefined;
    follow(job);
    reveal();
    await readCredits();
  } finally {
    submitting = false;
    showCost();
  }
}

const reveal = () => document.querySelector(".stage").scrollIntoView({ behavior: "smooth", block: "start" });

const isOver = job => ["succeeded", "failed", "canceled"].includes(job.status);

function follow(job) {
  stream?.close();
  clearInterval(clock);
  if (isOver(job)) return show(job);
  $("idle").hidden = $("result").hidden = true;
  $("progress").hidden = false;
  $("live").src = job.urls.original;
  $("cancel").onclick = guarded(async () => {
    const answer = await post(job.urls.cancel);
    if (answer.result === "too_late") say("It is too late to cancel", "The picture is being made already.");
  });

  let now = job;
  const since = Date.parse(job.createdAt);
  const tick = () => showProgress(now, Math.max(0, Math.round((Date.now() - since) / 1000)), job.etaSeconds ?? 90);
  clock = setInterval(tick, 1000);
  tick();

  stream = new EventSource(job.urls.events);
  for (const type of ["snapshot", "queued", "running", "progress"]) {
    stream.addEventListener(type, event => {
      now = { ...now, ...JSON.parse(event.data) };
      if (now.previewUrl) $("live").src = now.previewUrl;
      if (isOver(now)) finish(job); else tick();
    });
  }
  for (const type of ["succeeded", "failed", "canceled"]) stream.addEventListener(type, () => finish(job));
  // Closed for good: the stream was over before we came back to it.
  stream.onerror = () => { if (stream.readyState === EventSource.CLOSED) finish(job); };
}

const finish = job => guarded(async () => {
  stream.close();
  const latest = await api(job.urls.self);
  if (!isOver(latest)) return void setTimeout(() => follow(latest), 2000);
  clearInterval(clock);
  show(latest);
  await Promise.all([readCredits(), readHistory()]);
})();

function showProgress(job, elapsed, eta) {
  const steps = ["queued", "preparing", "rendering", "finishing"];
  const at = job.status === "queued" ? 0 : Math.max(1, steps.indexOf(job.phase));
  for (const [index, item] of [...$("steps").children].entries()) {
    item.className = index < at ? "past" : index === at ? "now" : "";
    item.toggleAttribute("aria-current", index === at);
  }
  // Never quite full before it is over; the time alone does not promise the end.
  const done = Math.max(at * 12, 96 * (1 - Math.exp(-1.6 * elapsed / Math.max(eta, 10))));
  $("track").style.setProperty("--done", `${Math.min(97, done)}%`);
  const left = eta - elapsed;
  $("status").textContent = `${elapsed} s${left > 3 ? `, about ${left} s to go` : ", any moment now"}${job.attempt > 1 ? `, attempt ${job.attempt}` : ""}`;
}

function show(job) {
  $("progress").hidden = $("idle").hidden = true;
  $("result").hidden = job.status !== "succeeded";
  if (job.status !== "succeeded") {
    $("idle").hidden = false;
    if (job.status === "failed") say("This room could not be furnished", job.error?.message ?? "Nothing was charged.");
    else say("Canceled", job.receipt?.why ?? "Nothing was charged.", { good: true });
    return;
  }
  $("before").src = job.urls.original;
  $("picks").hidden = job.images.length < 2;
  $("picks").replaceChildren(...job.images.map(image => el("button", { type: "button", title: `Picture ${image.n}`, onclick: () => pick(job, image) },
    el("img", { src: image.urls.thumb, alt: `Picture ${image.n}` }))));
  pick(job, job.images[0]);
  $("receipt").textContent = job.receipt ? `${plural(job.receipt.captured, "credit")} charged: ${job.receipt.why}.` : "";
}

function pick(job, image) {
  [...$("picks").children].forEach((button, index) => button.setAttribute("aria-pressed", String(index + 1 === image.n)));
  $("after").width = image.width;
  $("after").height = image.height;
  $("after").src = image.urls.clean ?? image.urls.labeled;
  const file = `${job.room}-${job.style}-${image.n}`;
  const extension = image.mediaType === "image/png" ? "png" : "jpg";
  const link = (url, label, suffix, style) => url ? [el("a", { href: url, download: `${file}${suffix}.${extension}`, className: `button ${style}`, textContent: label })] : [];
  $("downloads").replaceChildren(
    ...link(image.urls.clean, "Download", "", "primary"),
    ...link(image.urls.labeled, "Download with label", "-labeled", image.urls.clean ? "quiet" : "primary"));
}

async function readHistory() {
  const { items } = await api("/api/v1/stagings?limit=12");
  $("history").hidden = items.length === 0;
  $("rooms").replaceChildren(...items.map(job => {
    const thumb = job.images?.[0]?.urls.thumb;
    const date = new Date(job.createdAt).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    return el("li", {}, el("button", { type: "button", onclick: guarded(async () => { hush(); follow(await api(job.urls.self)); reveal(); }) },
      thumb ? el("img", { src: thumb, alt: "", loading: "lazy" }) : el("div", { className: "blank" }),
      el("span", {}, el("strong", { textContent: `${nameOf(job.room)}, ${nameOf(job.style)}` }), job.status === "succeeded" ? date : `${job.status} · ${date}`)));
  }));
  return items;
}

// Buying

const openShop = guarded(async () => {
  const { items } = await api("/api/v1/plans");
  $("plans").replaceChildren(...items.map(plan => {
    const price = new Intl.NumberFormat([], { style: "currency", currency: plan.currency }).format(plan.price / 100);
    const buy = el("button", { className: "primary", type: "button", textContent: `Buy for ${price}` });
    buy.onclick = guarded(async () => {
      buy.disabled = true;
      try {
        location.assign((await create("/api/v1/checkout", { plan: plan.id })).url);
      } catch (error) {
        buy.disabled = false;
        $("shop").close();
        throw error;
      }
    });
    return el("div", { className: "plan" }, el("span", { textContent: plan.name ?? plan.id }), el("b", { textContent: plural(plan.credits, "credit") }),
      el("span", { className: "small", textContent: `valid ${plan.durationDays} days` }), buy);
  }));
  $("shop").showModal();
});

/** Coming back from Stripe's page: the credits arrive by Stripe's webhook, usually within seconds. */
async function welcomeBack() {
  const query = new URLSearchParams(location.search);
  const order = query.get("order");
  if (!order) return;
  history.replaceState(null, "", location.pathname);
  if (query.get("checkout") !== "success") return say("Nothing was bought", "The checkout was canceled.");
  say("Thank you", "Waiting for the payment to be confirmed…", { good: true });
  for (let attempt = 0; attempt < 60; attempt++) {
    const { status, credits: bought } = await api(`/api/v1/orders/${encodeURIComponent(order)}`);
    await readCredits();
    if (status === "paid" && credits.grants.some(grant => grant.orderId === order)) {
      return say("Thank you", `${plural(bought, "credit")} arrived.`, { good: true });
    }
    if (status === "failed" || status === "expired") return say("The payment did not go through", "Nothing was charged. You can try again.");
    await new Promise(resolve => setTimeout(resolve, 1000));
  }
  say("Thank you", "The payment is not confirmed yet. The credits arrive by themselves once it is.", { good: true });
}

// Who it is

let session;

function showAccount() {
  const member = session.kind === "member";
  $("account").hidden = false;
  $("account").textContent = member ? "Account" : session.signInAvailable ? "Sign in" : "Restore";
}

const openAccount = guarded(async () => {
  const member = session.kind === "member";
  $("member").hidden = !member;
  $("restore").hidden = member;
  $("visitor").hidden = member || !session.signInAvailable;
  $("providers").replaceChildren(...session.providers.map(provider => el("button", {
    type: "button", className: "primary", textContent: `Sign in with ${provider.name}`,
    onclick: guarded(async () => location.assign((await post("/auth/login", { provider: provider.id, returnUrl: "/" })).url)),
  })));
  if (member) {
    const { items } = await api("/api/v1/sessions");
    $("sessions").replaceChildren(...items.map(item => {
      const seen = new Date(item.lastSeenAt).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
      return el("li", { textContent: item.current ? `${item.device} · this one` : `${item.device} · ${seen}` });
    }));
  }
  if (!$("devices").open) $("devices").showModal();
});

const signOut = everywhere => guarded(async () => location.assign((await post("/auth/logout", { everywhere })).url));

const restore = guarded(async () => {
  await post("/api/v1/session/restore", { code: $("code").value });
  location.reload();
});

/** Coming back from a sign-in that led nowhere. */
function tellOfSignIn() {
  const outcome = new URLSearchParams(location.search).get("sign-in");
  if (!outcome) return;
  history.replaceState(null, "", location.pathname);
  if (outcome === "canceled") say("You are not signed in", "The sign-in was canceled.");
  else if (outcome === "unavailable") say("You are not signed in", "The sign-in is not available right now. Try again in a minute.");
  else say("You are not signed in", "The sign-in could not be completed. Try again.");
}

// Start

$("account").onclick = openAccount;
$("restore").onsubmit = restore;
$("sign-out").onclick = signOut(false);
$("sign-out-everywhere").onclick = signOut(true);
$("notice-close").onclick = hush;
$("buy").onclick = openShop;
$("form").onsubmit = guarded(submit);
$("form").onchange = showCost;
$("photo").onchange = event => choosePhoto(event.target.files[0]);
$("slider").oninput = event => $("compare").style.setProperty("--at", `${event.target.value}%`);
for (const type of ["dragover", "dragleave", "drop"]) {
  $("drop").addEventListener(type, event => {
    event.preventDefault();
    $("drop").classList.toggle("over", type === "dragover");
    if (type === "drop") choosePhoto(event.dataTransfer.files[0]);
  });
}

async function start() {
  try {
    session = await api("/api/v1/session");
  } catch (error) {
    if (error.code !== "identity_unavailable") throw error;
    say(error.title, "What you bought is safe. Try again later, or go on as a new visitor without it.",
      { action: { label: "Go on as a new visitor", run: guarded(async () => { await post("/api/v1/session"); await start(); }) } });
    return;
  }
  showAccount();
  tellOfSignIn();
  catalog = await api("/api/v1/catalog");
  showCatalog();
  await readCredits();
  const unfinished = (await readHistory()).find(job => !isOver(job));
  if (unfinished) follow(unfinished);
  await welcomeBack();
}

guarded(start)();
