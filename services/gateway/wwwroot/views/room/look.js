// A room that is furnished: before and after, the other pictures, what to take away, what it cost.

import { el, fill } from "../../lib/dom.js";
import { count, when } from "../../lib/format.js";
import { icon } from "../../lib/icons.js";
import { compare } from "../../parts/compare.js";
import { guarded, say } from "../../parts/notice.js";
import { zip } from "../../lib/zip.js";
import { zoom } from "../../parts/zoom.js";
import { text } from "../../text.js";
import { erase } from "./erase.js";
import { share } from "./share.js";

const words = text.look;

export function look(job) {
  const slider = compare(job.urls.original, job.images[0].width, job.images[0].height);
  const downloads = el("p.actions", { id: "downloads" });
  const picks = el("ul.picks", { "aria-label": words.pictures });
  let chosen = job.images[0];

  function pick(image) {
    chosen = image;
    slider.show(image);
    for (const button of picks.querySelectorAll("button")) button.ariaPressed = String(Number(button.value) === image.n);
    fill(downloads,
      image.urls.clean && save(image.urls.clean, words.download, fileOf(job, image, ""), "a.button.primary"),
      save(image.urls.labeled, image.urls.clean ? words.downloadLabeled : words.download, fileOf(job, image, "-labeled"), image.urls.clean ? "a.button.quiet" : "a.button.primary"),
      (image.urls.clean || job.images.length > 1) && el("button.quiet", { type: "button", onclick: guarded(saveAll) }, icon("download"), words.downloadAll));
  }

  async function saveAll() {
    const wanted = job.images.flatMap(image => [[image.urls.clean, fileOf(job, image, "")], [image.urls.labeled, fileOf(job, image, "-labeled")]]).filter(([address]) => address);
    let files;
    try {
      files = await Promise.all(wanted.map(async ([address, name]) => {
        const answer = await fetch(address);
        if (!answer.ok) throw new Error(String(answer.status));
        return { name, bytes: new Uint8Array(await answer.arrayBuffer()) };
      }));
    } catch {
      return say(text.errors.offline.title, text.errors.offline.detail);
    }
    const address = URL.createObjectURL(zip(files));
    el("a", { href: address, download: `${baseOf(job)}.zip` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }

  if (job.images.length > 1) {
    fill(picks, job.images.map(image => el("li", {}, el("button", { type: "button", value: image.n, "aria-label": words.picture(image.n, job.images.length), onclick: () => pick(image) },
      el("img", { src: image.urls.thumb, alt: "", width: image.width, height: image.height })))));
  }
  pick(chosen);
  return el("section.look", { id: "result" },
    el("div.card.show", {}, slider.element, job.images.length > 1 && picks),
    el("div.card.side", {},
      downloads,
      !chosen.urls.clean && el("p.small", {}, words.labeledOnly),
      el("p.actions", {},
        el("button.quiet", { type: "button", onclick: () => zoom(chosen.urls.clean ?? chosen.urls.labeled, words.after) }, icon("zoom"), words.zoom),
        share(() => chosen),
        el("a.button.quiet", { href: `/?again=${job.id}` }, icon("again"), words.again)),
      el("p.small", { id: "receipt" }, job.cost.free ? words.wasFree : words.charged(count(job.receipt.captured, "credit"), job.receipt.released), " ", when(job.createdAt)),
      job.prompt && el("blockquote.small", {}, job.prompt),
      el("p.actions.end", {}, erase(job))));
}

const baseOf = job => `${job.room}-${job.style}`.replaceAll("_", "-");
const fileOf = (job, image, suffix) => `${baseOf(job)}-${image.n}${suffix}.${image.mediaType.split("/")[1].replace("jpeg", "jpg")}`;
const save = (address, label, file, style) => el(style, { href: address, download: file }, icon("download"), label);
