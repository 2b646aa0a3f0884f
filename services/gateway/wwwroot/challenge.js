// Puts the challenge that the installation has chosen, if any, and gives back the answer of whoever solved it.
// The three providers' scripts are used alike: render(element, { sitekey, callback }).

import { showModal } from "./parts/dialog.js";

const providers = {
  turnstile: { script: "https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit", api: "turnstile" },
  hcaptcha: { script: "https://js.hcaptcha.com/1/api.js?render=explicit", api: "hcaptcha" },
  recaptcha: { script: "https://www.google.com/recaptcha/api.js?render=explicit", api: "grecaptcha" },
};

const loading = new Map();

function load(address) {
  if (!loading.has(address)) {
    loading.set(address, new Promise((resolve, reject) => {
      const script = Object.assign(document.createElement("script"), { src: address, async: true });
      script.onload = resolve;
      script.onerror = () => { loading.delete(address); reject(new Error("The challenge cannot be loaded. Check your connection, or what blocks it, and try again.")); };
      document.head.append(script);
    }));
  }
  return loading.get(address);
}

/** Asks the person; null if they closed the question. */
export async function solve({ provider, siteKey }) {
  const { script, api } = providers[provider];
  await load(script);
  const vendor = window[api];
  if (vendor.ready) await new Promise(resolve => vendor.ready(resolve));
  const dialog = document.getElementById("challenge");
  const place = document.createElement("div");
  document.getElementById("challenge-place").replaceChildren(place);
  return new Promise(resolve => {
    dialog.onclose = () => resolve(null);
    vendor.render(place, { sitekey: siteKey, callback: answer => { resolve(answer); dialog.close(); } });
    showModal(dialog);
  });
}
