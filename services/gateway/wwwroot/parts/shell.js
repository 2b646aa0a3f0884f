// What is around every view: the bar with the balance, the way to the other views, messages.

import { el, fill } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { icon } from "../lib/icons.js";
import { isMember, onChange, state } from "../lib/state.js";
import { text } from "../text.js";
import { hush, place as notices, whisper } from "./notice.js";

const views = [["stage", "/"], ["library", "/library"], ["credits", "/credits"], ["account", "/account"]];

const main = el("main", { id: "main", tabIndex: -1 });
const balance = el("a.balance", { id: "balance", href: "/credits" });
const offline = el("p.offline", { role: "status", hidden: true }, text.offlineNow);
const links = new Map(views.map(([name, href]) => [name,
  el("a", { id: name, href }, icon(name), el("span", {}, text.views[name]))]));
let isFirst = true;

/** Builds the page around the views. */
export function build() {
  const bar = document.querySelector(".bar");
  bar.append(el("nav.views", { "aria-label": text.viewsLabel }, ...links.values()), balance);
  bar.before(el("a.skip", { href: "#main", onclick: event => { event.preventDefault(); main.focus(); } }, text.skip));
  bar.after(
    offline, notices, main,
    el("footer.foot", {}, el("a", { href: "/docs/" }, text.forPrograms)),
    challenge(), whisper);
  const tellOffline = () => { offline.hidden = navigator.onLine; };
  addEventListener("online", tellOffline);
  addEventListener("offline", tellOffline);
  tellOffline();
  onChange("credits", showBalance);
  onChange("session", showSession);
}

/** Puts a view in its place, and those who cannot see it there, too. */
export function place(name, view) {
  for (const [other, link] of links) link.ariaCurrent = other === name ? "page" : null;
  main.replaceChildren(view);
  if (!isFirst) {
    hush();
    scrollTo(0, 0);
    (view.querySelector("h1") ?? main).focus({ preventScroll: true });
  }
  isFirst = false;
}

/** Says that the page itself did not arrive, or cannot be used. */
export const fail = (again, { title, detail } = text.errors.page) => fill(main, el("section.card.empty", {},
  icon("warning"), el("h1", { tabIndex: -1 }, title), el("p", {}, detail),
  el("button.primary", { type: "button", onclick: again }, text.retry)));

function showBalance() {
  const { available, held, free } = state.credits;
  const words = [count(available, "credit")];
  if (held) words.push(text.held(held));
  if (!available && free.left) words.push(text.freeLeft(free.left));
  fill(balance, icon("credits"), el("span", {}, words.join(" · ")));
}

function showSession() {
  links.get("account").lastChild.textContent = isMember() || !state.session.signInAvailable ? text.views.account : text.views.signIn;
}

const challenge = () => el("dialog", { id: "challenge", "aria-labelledby": "challenge-title" },
  el("form.dialog-head", { method: "dialog" }, el("h2", { id: "challenge-title" }, text.challenge.title), el("button.close", { "aria-label": text.close }, icon("close"))),
  el("p", {}, text.challenge.why), el("div", { id: "challenge-place" }));
