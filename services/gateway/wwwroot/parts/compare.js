// Before and after, one over the other: drag anywhere by mouse or finger, or use the arrow keys.

import { el } from "../lib/dom.js";
import { text } from "../text.js";

/** The slider; show(picture) puts another one behind it. */
export function compare(before, width, height) {
  const after = el("img.after", { alt: text.look.after, width, height });
  const slider = el("input", {
    type: "range", min: 0, max: 100, value: 50, "aria-label": text.look.slider,
    oninput: () => place(Number(slider.value)),
  });
  const element = el("div.compare", {},
    after, el("img.before", { src: before, alt: text.look.before, draggable: false }),
    el("span.tag.left", { "aria-hidden": "true" }, text.look.beforeTag), el("span.tag.right", { "aria-hidden": "true" }, text.look.afterTag),
    el("span.handle", { "aria-hidden": "true" }), slider);
  after.draggable = false;

  const place = at => {
    element.style.setProperty("--at", `${at}%`);
    slider.ariaValueText = text.look.sliderAt(Math.round(at));
  };
  const follow = event => {
    const { left, width: wide } = element.getBoundingClientRect();
    slider.value = Math.min(100, Math.max(0, ((event.clientX - left) / wide) * 100));
    place(Number(slider.value));
  };
  element.onpointerdown = event => {
    if (event.button) return;
    element.setPointerCapture(event.pointerId);
    follow(event);
    slider.focus({ preventScroll: true });
    event.preventDefault();
  };
  element.onpointermove = event => { if (element.hasPointerCapture(event.pointerId)) follow(event); };
  place(50);
  return {
    element,
    show(picture) {
      after.width = picture.width;
      after.height = picture.height;
      after.src = picture.urls.clean ?? picture.urls.labeled;
    },
  };
}
