// Elements, made without markup: nothing here can turn text into code.

/** Makes an element: el("button.primary", { type: "button", onclick: run, "aria-label": "…" }, "text", otherElement). */
export function el(what, properties = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name in element && !name.includes("-")) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...present(children));
  return element;
}

/** Puts children in the place of those that are there; what is null or false is left out. */
export const fill = (element, ...children) => {
  element.replaceChildren(...present(children));
  return element;
};

/** The address of a file of the page, of the same version as this module. */
export const asset = path => new URL(`../${path}`, import.meta.url).href;

const present = children => children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false);
