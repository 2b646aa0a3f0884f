// The public page that shows a picture beside its original: published with one click, for listings and whoever asks what is real.

import { api, remove } from "../../lib/api.js";
import { el } from "../../lib/dom.js";
import { icon } from "../../lib/icons.js";
import { ask } from "../../parts/ask.js";
import { copyable } from "../../parts/copy.js";
import { showModal } from "../../parts/dialog.js";
import { guarded, say } from "../../parts/notice.js";
import { text } from "../../text.js";

const words = text.share;

/** A button that publishes the picture that chosen() gives, and shows its link. To publish it again changes nothing. */
export const share = chosen => el("button.quiet", {
  type: "button", id: "share",
  onclick: guarded(async () => open(await api(chosen().urls.disclosure, { method: "PUT" }))),
}, icon("share"), words.label);

function open(page) {
  const dialog = el("dialog.ask.share", { "aria-labelledby": "share-title", onclose: () => dialog.remove() },
    el("form", { method: "dialog" },
      el("h2", { id: "share-title" }, words.title),
      el("p", {}, words.detail),
      el("div.share-link", {}, el("img", { src: page.urls.qr, alt: words.qr, width: 132, height: 132 }), copyable(page.url, words.link)),
      el("p.small", {}, words.listing),
      copyable(page.listingText, words.listingText),
      el("p.actions", {},
        el("a.button.primary", { href: page.urls.bundle, download: "" }, icon("download"), words.bundle),
        el("a.button.quiet", { href: page.url, target: "_blank" }, words.see),
        el("button.quiet", { type: "button", onclick: guarded(withdraw) }, words.withdraw),
        el("button.quiet", { value: "close" }, text.close))));

  async function withdraw() {
    if (!await ask(words.withdrawTitle, words.withdrawDetail, words.withdraw)) return;
    await remove(page.urls.self);
    dialog.close();
    say(words.withdrawn, undefined, { good: true });
  }

  document.body.append(dialog);
  showModal(dialog);
}
