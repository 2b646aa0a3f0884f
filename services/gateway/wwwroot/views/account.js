// Who this is: signing in and out, the account of an order's restore code, devices, and keys for programs.

import { api, post, remove } from "../lib/api.js";
import { el, fill } from "../lib/dom.js";
import { count, onDay, when } from "../lib/format.js";
import { isMember, readCredits, state } from "../lib/state.js";
import { ask } from "../parts/ask.js";
import { copyable } from "../parts/copy.js";
import { guarded, say } from "../parts/notice.js";
import { load, skeleton } from "../parts/waiting.js";
import { text } from "../text.js";
import { webhooks } from "./account/webhooks.js";

const words = text.account;
const scopes = ["stagings:write", "stagings:read", "credits:read", "webhooks:write", "webhooks:read"];
// What most programs need; the rest is for who asks for it.
const usualScopes = scopes.slice(0, 3);

export function show({ signal }) {
  const parts = isMember() ? [devices(signal), keys(signal), part("webhooks", text.webhooks.title, text.webhooks.why, webhooks(signal)), signOut()] : [state.session.signInAvailable && signIn(), restore(), visitor()];
  return {
    title: text.views.account,
    element: el("div.account", {}, el("div.intro", {}, el("h1", { tabIndex: -1 }, isMember() ? words.title : words.visitorTitle), el("p", {}, isMember() ? words.lead : words.visitorLead)), parts.filter(Boolean)),
  };
}

const part = (id, title, why, ...content) => el("section.card", { id, "aria-labelledby": `${id}-title` }, el("h2", { id: `${id}-title` }, title), why && el("p.small", {}, why), content);

const signIn = () => part("sign-in", words.signIn, words.signInWhy,
  el("p.actions", { id: "providers" }, state.session.providers.map(provider => el("button.primary", {
    type: "button",
    onclick: guarded(async () => location.assign((await post("/auth/login", { provider: provider.id, returnUrl: "/" })).url)),
  }, words.signInWith(provider.name)))));

function restore() {
  const code = el("input", { id: "code", autocomplete: "off", spellcheck: false, required: true, autocapitalize: "characters" });
  return part("restore", words.restore, words.restoreWhy,
    el("form.inline", {
      onsubmit: guarded(async () => {
        if (await hasSomething() && !await ask(words.replaceTitle, words.replaceDetail, words.replace)) return;
        await post("/api/v1/session/restore", { code: code.value.trim() });
        location.assign("/library");
      }),
    }, el("label.field", {}, words.code, code), el("button.quiet", { type: "submit" }, words.open)));
}

/** Whether the visitor of this browser would lose something. */
async function hasSomething() {
  const [{ available, held, frozen }, { items }] = await Promise.all([readCredits(), api("/api/v1/stagings?limit=1")]);
  return available + held + frozen > 0 || items.length > 0;
}

const visitor = () => part("visitor", words.thisBrowser, words.thisBrowserWhy(onDay(state.session.expiresAt)));

function devices(signal) {
  const list = el("div", { id: "sessions" }, skeleton("6rem"));
  const read = () => load(list, async () => el("ul.lines", {}, (await api("/api/v1/sessions", { signal })).items.map(item => el("li", {},
    el("div", {}, el("strong", {}, item.device ?? words.unknownDevice), el("span.small", {}, item.current ? words.thisOne : words.lastSeen(when(item.lastSeenAt)))),
    !item.current && el("button.quiet", { type: "button", onclick: guarded(async () => { await remove(`/api/v1/sessions/${item.id}`); await read(); }) }, words.signOutThere)))), signal);
  read();
  return part("devices", words.devices, words.devicesWhy, list);
}

const signOut = () => part("leave", words.signOut, words.signOutWhy, el("p.actions", {},
  el("button.primary", { type: "button", id: "sign-out", onclick: guarded(() => leave(false)) }, words.signOut),
  el("button.quiet", { type: "button", id: "sign-out-everywhere", onclick: guarded(() => leave(true)) }, words.signOutEverywhere)));

const leave = async everywhere => location.assign((await post("/auth/logout", { everywhere })).url);

function keys(signal) {
  const list = el("div", { id: "keys" }, skeleton("4rem"));
  const made = el("div", { "aria-live": "polite" });
  const read = () => load(list, async () => {
    const { items } = await api("/api/v1/api-keys", { signal });
    return items.length ? el("ul.lines", {}, items.map(key => line(key, read))) : el("p.small", {}, words.noKeys);
  }, signal);
  const name = el("input", { id: "key-name", required: true, maxLength: 100, autocomplete: "off" });
  const boxes = scopes.map(scope => el("input", { type: "checkbox", value: scope, checked: usualScopes.includes(scope), defaultChecked: usualScopes.includes(scope) }));
  const form = el("form.inline", {
    onsubmit: guarded(async () => {
      const key = await post("/api/v1/api-keys", { name: name.value.trim(), scopes: boxes.filter(box => box.checked).map(box => box.value) }, { key: crypto.randomUUID() });
      fill(made, el("div.news.good", {}, el("strong", {}, words.keyMade(key.name)), el("p.small", {}, words.keyOnce), copyable(key.key, words.key)));
      form.reset();
      await read();
    }),
  }, el("label.field", {}, words.keyName, name),
  el("fieldset.checks", {}, el("legend", {}, words.keyMay), boxes.map(box => el("label.check", {}, box, words.scopes[box.value]))),
  el("button.quiet", { type: "submit" }, words.makeKey));
  read();
  return part("programs", words.keys, undefined, el("p.small", {}, words.keysWhy, " ", el("a", { href: "/docs/" }, text.forPrograms)), list, made, el("details", {}, el("summary", {}, words.newKey), form));
}

const line = (key, read) => el("li", {},
  el("div", {}, el("strong", {}, key.name), el("code", {}, key.hint),
    el("span.small", {}, `${key.lastUsedAt ? words.lastUsed(when(key.lastUsedAt)) : words.neverUsed} · ${words.thisMonth(key.thisMonth.stagings, count(key.thisMonth.credits, "credit"))}`)),
  el("button.quiet", {
    type: "button", "aria-label": `${words.revoke}: ${key.name}`,
    onclick: guarded(async () => {
      if (!await ask(words.revokeTitle(key.name), words.revokeDetail, words.revoke)) return;
      await remove(`/api/v1/api-keys/${key.id}`);
      await read();
      say(words.revoked, undefined, { good: true });
    }),
  }, words.revoke));
