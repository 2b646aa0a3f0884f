// Which view an address shows. A view is a module with show({ id, query, signal }) → { title, element }; the signal aborts when it is left.

import { text } from "../text.js";

const routes = [
  { pattern: /^\/$/, name: "stage", load: () => import("../views/stage.js") },
  { pattern: /^\/stagings\/([0-9a-f-]{36})$/, name: "library", load: () => import("../views/room.js") },
  { pattern: /^\/listings\/([0-9a-f-]{36})$/, name: "library", load: () => import("../views/listing.js") },
  { pattern: /^\/library$/, name: "library", load: () => import("../views/library.js") },
  { pattern: /^\/credits$/, name: "credits", load: () => import("../views/credits.js") },
  { pattern: /^\/account$/, name: "account", load: () => import("../views/account.js") },
];

let leaving;
let shell;

const routeOf = path => routes.find(route => route.pattern.test(path));

/** Goes to an address of the page. */
export function go(address, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", address);
  return show();
}

/** Shows the view of the current address, and from now on whatever is clicked or gone back to. */
export function start(page) {
  shell = page;
  addEventListener("popstate", () => show());
  document.addEventListener("click", event => {
    const link = event.target.closest?.("a[href]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const address = new URL(link.href);
    if (link.target || link.hasAttribute("download") || address.origin !== location.origin || address.hash || !routeOf(address.pathname)) return;
    event.preventDefault();
    go(address.pathname + address.search);
  });
  return show();
}

async function show() {
  leaving?.abort();
  const here = leaving = new AbortController();
  const route = routeOf(location.pathname) ?? routes[0];
  const id = route.pattern.exec(location.pathname)?.[1];
  try {
    const view = await route.load();
    if (here.signal.aborted) return;
    const { title, element } = view.show({ id, query: new URLSearchParams(location.search), signal: here.signal });
    document.title = title ? `${title} · ${text.name}` : text.title;
    shell.place(route.name, element);
  } catch (error) {
    if (here.signal.aborted) return;
    // A module that did not arrive. Its address is asked for again only by a new page.
    shell.fail(() => location.reload());
    throw error;
  }
}
