// Several photos, which make a listing: a card for each, with its room and how far it has been sent. Cards stay in place while that changes,
// so that nobody loses the menu that they have open.

import { el, fill } from "../../lib/dom.js";
import { icon } from "../../lib/icons.js";
import { state } from "../../lib/state.js";
import { discard, keep, mostPhotos, photos, retry } from "../../lib/tray.js";
import { text } from "../../text.js";

const words = text.stage;

/** The cards; more is the button for further photos. update() follows the tray, progress() the bytes that have gone. */
export function tray(more) {
  const cards = new Map();
  const list = el("ul.tray", { "aria-label": words.photos });
  const last = el("li.more", {}, more);

  return {
    element: list,
    update() {
      for (const [photo, card] of cards) {
        if (photos.includes(photo)) continue;
        card.element.remove();
        cards.delete(photo);
      }
      for (const [i, photo] of photos.entries()) {
        if (!cards.has(photo)) cards.set(photo, cardOf(photo));
        const card = cards.get(photo);
        card.update(i + 1);
        if (list.children[i] !== card.element) list.insertBefore(card.element, list.children[i] ?? null);
      }
      if (photos.length < mostPhotos()) list.append(last); else last.remove();
    },
    progress() { for (const card of cards.values()) card.progress(); },
  };
}

function cardOf(photo) {
  const bar = el("progress", { max: 1, "aria-label": words.uploading });
  const note = el("div.note");
  const room = el("select", { onchange: () => { photo.room = room.value; keep(photo); } },
    state.catalog.rooms.map(one => el("option", { value: one.id }, one.name)));
  room.value = photo.room;
  const remove = el("button.round.remove", { type: "button", onclick: () => discard(photo) }, icon("close"));
  const element = el("li", {},
    el("div.picture", {}, el("img", { src: photo.url, alt: "", loading: "lazy", decoding: "async", onerror: event => event.currentTarget.classList.add("unreadable") }), remove), note, room);
  let shown;

  function show() {
    element.className = photo.status;
    if (photo.status === "failed") {
      return fill(note, el("p", { role: "alert" }, icon("warning"), photo.error.reasons ?? photo.error.message),
        photo.canRetry && el("button.quiet", { type: "button", onclick: () => retry(photo) }, icon("again"), text.retry));
    }
    return fill(note, photo.status === "ready" ? el("p.sent", {}, icon("check"), words.sent) : bar);
  }

  return {
    element,
    update(n) {
      room.ariaLabel = words.roomOf(n);
      remove.ariaLabel = words.remove(n);
      if (shown === photo.status) return;
      shown = photo.status;
      show();
    },
    progress() { if (photo.progress > 0) bar.value = photo.progress; },
  };
}
