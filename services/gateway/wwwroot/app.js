// Starts the page: who this is and what can be chosen, then the view of the address.

import { post } from "./lib/api.js";
import { listen, onOtherAccount } from "./lib/live.js";
import { start } from "./lib/router.js";
import { readCatalog, readCredits, readSession } from "./lib/state.js";
import { recall } from "./lib/tray.js";
import { complain, say } from "./parts/notice.js";
import * as shell from "./parts/shell.js";
import { text } from "./text.js";

/** Addresses that Stripe and a provider send people back to. */
function arrive() {
  const query = new URLSearchParams(location.search);
  const outcome = query.get("sign-in");
  if (outcome) {
    history.replaceState(null, "", "/account");
    say(text.signIn.not, text.signIn[outcome] ?? text.signIn.failed);
  } else if (query.has("order") && location.pathname === "/") {
    history.replaceState(null, "", `/credits${location.search}`);
  }
}

async function begin() {
  try {
    await readSession();
    await Promise.all([readCatalog(), readCredits()]);
  } catch (error) {
    if (error.status === undefined) throw error;
    // A cookie that cannot be read right now is never given up unasked: it may be that of somebody who paid.
    if (error.code === "identity_unavailable") {
      const detail = text.errors.identity.detail;
      return say(error.title, detail, { action: { label: text.errors.identity.action, run: () => post("/api/v1/session").then(begin).catch(complain) } });
    }
    // Who was given a session just now and has none refuses its cookie.
    const hasNoCookies = error.status === 401 || !navigator.cookieEnabled;
    shell.fail(() => location.reload(), hasNoCookies ? text.errors.cookies : undefined);
    return hasNoCookies || complain(error);
  }
  await recall();
  arrive();
  onOtherAccount(hasEnded => {
    const { title, detail, action } = hasEnded ? text.signInEnded : text.otherAccount;
    say(title, detail, { action: { label: action, run: () => location.assign(hasEnded ? "/account" : "/") } });
  });
  // Before the first view asks how things are, so that it misses nothing that changes afterwards.
  listen();
  await start(shell);
}

// A page that the browser kept while somebody was at Stripe's shows buttons that still wait for the way there.
addEventListener("pageshow", event => { if (event.persisted) location.reload(); });

shell.build();
begin();
