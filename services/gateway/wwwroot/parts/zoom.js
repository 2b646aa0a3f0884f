// A picture as large as it is, over the whole window. Drag, scroll or use the arrow keys to move about.

import { el } from "../lib/dom.js";
import { icon } from "../lib/icons.js";
import { text } from "../text.js";
import { showModal } from "./dialog.js";

const steps = [1, 1.5, 2, 3, 4];

export function zoom(address, label) {
  let step = 0;
  const image = el("img", { src: address, alt: label, draggable: false });
  const pane = el("div.pane", { tabIndex: 0, role: "group", "aria-label": text.look.zoomed }, image);
  const scale = to => {
    const [x, y] = [(pane.scrollLeft + pane.clientWidth / 2) / pane.scrollWidth, (pane.scrollTop + pane.clientHeight / 2) / pane.scrollHeight];
    step = Math.min(steps.length - 1, Math.max(0, to));
    pane.style.setProperty("--scale", steps[step]);
    pane.scrollTo(x * pane.scrollWidth - pane.clientWidth / 2, y * pane.scrollHeight - pane.clientHeight / 2);
  };
  const dialog = el("dialog.zoom", { "aria-label": label, onclose: () => dialog.remove() },
    pane,
    el("div.zoom-bar", {},
      el("button.round", { type: "button", "aria-label": text.look.smaller, onclick: () => scale(step - 1) }, "−"),
      el("button.round", { type: "button", "aria-label": text.look.larger, onclick: () => scale(step + 1) }, "+"),
      el("button.round", { type: "button", "aria-label": text.close, onclick: () => dialog.close() }, icon("close"))));
  pane.ondblclick = () => scale(step ? 0 : 2);
  pane.addEventListener("wheel", event => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    scale(step + (event.deltaY < 0 ? 1 : -1));
  }, { passive: false });
  dialog.onkeydown = event => {
    if (event.key === "+" || event.key === "=") scale(step + 1);
    if (event.key === "-") scale(step - 1);
  };
  pane.onpointerdown = event => { if (event.pointerType === "mouse") { pane.setPointerCapture(event.pointerId); event.preventDefault(); } };
  pane.onpointermove = event => { if (pane.hasPointerCapture(event.pointerId)) pane.scrollBy(-event.movementX, -event.movementY); };
  document.body.append(dialog);
  showModal(dialog);
}
