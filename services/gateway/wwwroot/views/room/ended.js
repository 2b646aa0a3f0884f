// A staging that has ended without a picture: why, what it cost (nothing), and what to do.

import { el } from "../../lib/dom.js";
import { icon } from "../../lib/icons.js";
import { text } from "../../text.js";
import { erase } from "./erase.js";

export function ended(job) {
  const words = text.ended[job.status];
  const why = text.ended.why[job.error?.code] ?? (job.status === "failed" ? text.ended.why.other : words.detail);
  return el("section.card.ended", { id: "ended" },
    el("img", { src: job.urls.original, alt: text.watch.photo }),
    el("div", {},
      el("h2", {}, icon(job.status === "failed" ? "warning" : "check"), words.title),
      el("p", {}, why),
      el("p.nothing-charged", {}, icon("check"), job.receipt?.captured ? text.ended.charged(job.receipt.captured) : text.ended.nothing),
      el("p.actions", {}, el("a.button.primary", { href: `/?again=${job.id}` }, icon("again"), text.ended.again), erase(job))));
}
