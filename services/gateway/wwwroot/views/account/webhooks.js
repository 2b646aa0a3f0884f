// Endpoints that are told what happens: adding one with its secret, trying it, what was delivered and what was not.

import { api, post, remove } from "../../lib/api.js";
import { el, fill } from "../../lib/dom.js";
import { when } from "../../lib/format.js";
import { icon } from "../../lib/icons.js";
import { onWebhookDisabled } from "../../lib/live.js";
import { ask } from "../../parts/ask.js";
import { copyable } from "../../parts/copy.js";
import { guarded, say } from "../../parts/notice.js";
import { load, skeleton } from "../../parts/waiting.js";
import { text } from "../../text.js";

const words = text.webhooks;
const Endpoints = "/api/v1/webhook-endpoints";
const DeliveriesPage = 10;
const AskAgain = 1_000;
const Asks = 20;
const Day = 86_400_000;
const ReplayedDays = 7;

/** The list of endpoints and the form for another one. */
export function webhooks(signal) {
  const list = el("div", { id: "endpoints" }, skeleton("4rem"));
  const made = el("div", { "aria-live": "polite" });
  const adding = el("details", {}, el("summary", {}, words.add));
  const read = () => load(list, async () => {
    const { items } = await api(Endpoints, { signal });
    return items.length ? el("ul.lines", {}, items.map(endpoint => line(endpoint, { read, showSecret, signal }))) : el("p.small", {}, words.none);
  }, signal);
  const showSecret = endpoint => fill(made, el("div.news.good", {},
    el("strong", {}, words.secretOf(endpoint.url)), el("p.small", {}, words.secretOnce), copyable(endpoint.secret, words.secret)));

  // Which events there are is only asked for by whoever wants to add one.
  adding.ontoggle = async () => {
    if (!adding.open || adding.querySelector("form")) return;
    const place = el("div", {}, skeleton("8rem"));
    adding.append(place);
    await load(place, async () => form((await api(`${Endpoints}/event-types`, { signal })).items, async endpoint => {
      showSecret(endpoint);
      adding.open = false;
      await read();
    }), signal);
  };
  onWebhookDisabled(read, signal);
  read();
  return [list, made, adding];
}

function form(types, added) {
  const url = el("input", { id: "endpoint-url", type: "url", required: true, maxLength: 2000, autocomplete: "off", placeholder: "https://" });
  const description = el("input", { maxLength: 200, autocomplete: "off" });
  const boxes = types.map(({ type }) => el("input", { type: "checkbox", value: type, checked: true, defaultChecked: true }));
  let key = crypto.randomUUID();
  const element = el("form.stacked", {
    onsubmit: guarded(async () => {
      try {
        const endpoint = await post(Endpoints, {
          url: url.value.trim(), eventTypes: boxes.filter(box => box.checked).map(box => box.value), ...(description.value.trim() && { description: description.value.trim() }),
        }, { key });
        element.reset();
        await added(endpoint);
      } catch (error) {
        if (!error.isPassing) key = crypto.randomUUID();
        throw error;
      }
      key = crypto.randomUUID();
    }),
  }, el("label.field", {}, words.url, url), el("label.field", {}, words.description, description),
  el("fieldset.checks", {}, el("legend", {}, words.events), types.map(({ type, description: what }, i) => el("label.check", { title: what }, boxes[i], el("code", {}, type)))),
  el("p.actions", {}, el("button.quiet", { type: "submit" }, words.addIt)));
  return element;
}

function line(endpoint, { read, showSecret, signal }) {
  const { url, description, enabled, disabledReason, eventTypes, previousSecretUntil, urls } = endpoint;
  const deliveries = el("details", {}, el("summary", {}, words.deliveries));
  const place = el("div");
  deliveries.append(place);
  const showDeliveries = () => load(place, () => deliveryList(endpoint, showDeliveries, signal), signal);
  deliveries.ontoggle = () => { if (deliveries.open) showDeliveries(); };
  const act = (label, work, name) => el("button.quiet", { type: "button", "aria-label": `${label}: ${url}`, onclick: guarded(work) }, name && icon(name), label);

  return el("li.endpoint", {},
    el("div", {}, el("strong", {}, url), description && el("span", {}, description),
      el("span.small", {}, words.told(eventTypes.length), previousSecretUntil && ` ${words.bothUntil(when(previousSecretUntil))}`)),
    el(enabled ? "span.chip.good" : "span.chip.bad", {}, enabled ? words.on : words.off[disabledReason] ?? words.off.owner),
    el("p.actions", {},
      enabled && act(words.test, async () => { await tell(await post(urls.ping)); if (deliveries.open) await showDeliveries(); }, "spark"),
      act(enabled ? words.turnOff : words.turnOn, async () => { await patch(urls.self, { enabled: !enabled }); await read(); }),
      act(words.rotate, async () => {
        if (!await ask(words.rotateTitle, words.rotateDetail, words.rotate)) return;
        showSecret(await post(urls.rotateSecret));
        await read();
      }),
      act(words.remove, async () => {
        if (!await ask(words.removeTitle, words.removeDetail, words.remove)) return;
        await remove(urls.self);
        await read();
        say(words.removed, undefined, { good: true });
      }, "trash")),
    deliveries);

  /** What became of a test, as soon as it is known. */
  async function tell(delivery) {
    let now = delivery;
    for (let asked = 0; asked < Asks && now.attempts === 0 && !signal.aborted; asked++) {
      await new Promise(resolve => setTimeout(resolve, AskAgain));
      now = await api(delivery.urls.self, { signal });
    }
    if (now.status === "succeeded") say(words.arrived, outcome(now.lastAttempt), { good: true });
    else say(now.attempts ? words.refused : words.waiting, now.lastAttempt && outcome(now.lastAttempt));
  }
}

const patch = (path, value) => api(path, { method: "PATCH", body: JSON.stringify(value), type: "application/json" });

async function deliveryList(endpoint, showAgain, signal) {
  const rows = el("ul.lines");
  const more = el("button.quiet", { type: "button" }, text.credits.more);
  let cursor;
  const page = async () => {
    const { items, nextCursor } = await api(`${endpoint.urls.deliveries}?limit=${DeliveriesPage}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`, { signal });
    cursor = nextCursor;
    more.hidden = !cursor;
    rows.append(...items.map(delivery => el("li", {},
      el("div", {}, el("code", {}, delivery.type), el("span.small", {}, when(delivery.createdAt), delivery.lastAttempt && ` · ${outcome(delivery.lastAttempt)}`,
        delivery.nextAttemptAt && ` · ${words.next(when(delivery.nextAttemptAt))}`)),
      el(`span.chip.${delivery.status === "failed" ? "bad" : "good"}`, {}, words.status[delivery.status]),
      endpoint.enabled && delivery.status !== "pending" && el("button.quiet", {
        type: "button", "aria-label": `${words.replay}: ${delivery.type}, ${when(delivery.createdAt)}`,
        onclick: guarded(async () => { await post(delivery.urls.replay); await showAgain(); }),
      }, words.replay))));
  };
  more.onclick = guarded(page);
  await page();
  if (!rows.children.length) return el("p.small", {}, words.noDeliveries);
  return [rows, el("p.actions", {}, more, endpoint.enabled && el("button.quiet", {
    type: "button",
    onclick: guarded(async () => {
      const { replayed } = await post(endpoint.urls.replayFailed, { since: new Date(Date.now() - ReplayedDays * Day).toISOString() });
      say(words.replayed(replayed), undefined, { good: true });
      await showAgain();
    }),
  }, words.replayFailed))];
}

const outcome = ({ status, error, durationMs }) => (status ? words.answered(status, durationMs) : words.unanswered(words.errors[error] ?? error));
