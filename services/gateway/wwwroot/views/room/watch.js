// A staging under way: the photo, what is being done to it, and how long that usually takes.

import { post } from "../../lib/api.js";
import { el, fill } from "../../lib/dom.js";
import { count, duration } from "../../lib/format.js";
import { announce, guarded, say } from "../../parts/notice.js";
import { text } from "../../text.js";

const words = text.watch;
const phases = ["queued", "preparing", "rendering", "finishing"];

/** The element, and update(event) for what has changed; finished(), which shows what is then, is called when a cancellation has ended it. */
export function watch(job, finished, signal) {
  let now = job;
  let expected = Date.now() + (job.etaSeconds ?? 60) * 1000;
  const began = Date.parse(job.createdAt);

  const picture = el("img", { src: job.urls.original, alt: words.photo });
  const bar = el("i");
  const steps = el("ol.steps", {}, phases.map(phase => el("li", {}, words.phases[phase])));
  const time = el("p.time");
  const note = el("p.small");
  const cancel = el("button.quiet", {
    type: "button", id: "cancel",
    onclick: guarded(async () => {
      const { result } = await post(job.urls.cancel);
      if (result === "too_late") say(words.tooLate.title, words.tooLate.detail); else await finished();
    }),
  }, words.cancel);
  const element = el("section.card.watch", { id: "progress" },
    el("div.developing", {}, picture, el("span.sweep", { "aria-hidden": "true" })),
    el("div.track", { "aria-hidden": "true" }, bar), steps,
    el("div.status", {}, el("div", {}, time, note), cancel));

  function show() {
    const at = now.status === "queued" ? 0 : Math.max(1, phases.indexOf(now.phase));
    const isWaiting = now.phase === "waiting";
    for (const [i, step] of [...steps.children].entries()) {
      step.className = i < at ? "past" : i === at ? "now" : "";
      step.ariaCurrent = i === at ? "step" : null;
    }
    announce(isWaiting ? words.again : words.said[phases[at]]);
    const elapsed = (Date.now() - began) / 1000;
    const left = (expected - Date.now()) / 1000;
    // Never quite full before it is over: time alone promises nothing.
    const part = left > 0 ? elapsed / (elapsed + left) : 1;
    bar.style.setProperty("width", `${Math.min(96, Math.max(4 + at * 6, part * 92))}%`);
    fill(time, isWaiting ? words.again : left > 3 ? words.left(duration(left)) : elapsed > 2 * (job.etaSeconds ?? 60) ? words.long : words.soon);
    const made = now.images?.length ?? 0;
    fill(note, [
      job.variations > 1 && words.pictures(made, job.variations),
      job.cost.free ? words.free : words.held(count(job.cost.credits, "credit")),
      words.leave,
    ].filter(Boolean).join(" "));
  }

  const clock = setInterval(show, 1000);
  signal.addEventListener("abort", () => clearInterval(clock));
  show();
  return {
    element,
    update(change) {
      if (change.etaSeconds) expected = Date.now() + change.etaSeconds * 1000;
      if (change.previewUrl) picture.src = change.previewUrl;
      now = { ...now, ...change };
      show();
    },
  };
}
