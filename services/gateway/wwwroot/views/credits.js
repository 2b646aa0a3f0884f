// What there is to spend and until when, packs to buy, what became of orders, and the statement.

import { api, create } from "../lib/api.js";
import { el, fill } from "../lib/dom.js";
import { count, money, onDay, when } from "../lib/format.js";
import { icon } from "../lib/icons.js";
import { isMember, onChange, readCredits, state } from "../lib/state.js";
import { copyable } from "../parts/copy.js";
import { announce, complain, guarded } from "../parts/notice.js";
import { load, skeleton } from "../parts/waiting.js";
import { text } from "../text.js";

const words = text.credits;
const StatementPage = 10;
const FastAsks = 30;
const FastWait = 2_000;
const SlowWait = 15_000;

export function show({ query, signal }) {
  const purchase = el("div", { id: "purchase" });
  const balance = el("section.card.wallet", { "aria-labelledby": "balance-title" });
  const plans = el("div.plans", { id: "plans" }, skeleton("11rem"), skeleton("11rem"), skeleton("11rem"));
  const orders = el("div", { id: "orders" });
  const statement = el("div", { id: "statement" });

  const showBalance = () => fill(balance, wallet(state.credits));
  onChange("credits", showBalance, signal);
  showBalance();
  load(plans, async () => (await api("/api/v1/plans", { signal })).items.map(plan), signal);
  const readOrders = () => load(orders, async () => orderList((await api("/api/v1/orders?limit=10", { signal })).items, signal), signal);
  readOrders();
  // The first page again, whenever the balance has moved.
  const readStatement = () => load(statement, () => entries(signal), signal);
  readStatement();
  onChange("credits", readStatement, signal);
  if (query.has("order")) followOrder(query.get("order"), query.get("checkout") === "success", purchase, readOrders, signal);

  return {
    title: text.views.credits,
    element: el("div.credits", {},
      el("div.intro", {}, el("h1", { tabIndex: -1 }, words.title)), purchase, balance,
      el("section", { "aria-labelledby": "shop-title" }, el("h2", { id: "shop-title" }, words.shop), el("p.small", {}, words.shopWhy), plans),
      el("section", { "aria-labelledby": "orders-title" }, el("h2", { id: "orders-title" }, words.orders), orders),
      el("section", { "aria-labelledby": "statement-title" }, el("h2", { id: "statement-title" }, words.statement), statement)),
  };
}

const wallet = ({ available, held, frozen, nextExpiry, free }) => [
  el("h2.unseen", { id: "balance-title" }, words.balance),
  el("p.amount", {}, el("b", {}, String(available)), el("span", {}, words.available(available))),
  el("ul.facts", {},
    held > 0 && el("li", {}, words.held(held)),
    frozen > 0 && el("li", {}, words.frozen(frozen)),
    nextExpiry && el("li", {}, words.expiry(nextExpiry.credits, onDay(nextExpiry.at))),
    el("li", {}, words.free(free.left, free.of, free.windowDays))),
];

/** Keys of the checkouts, by plan, whose answer did not come: the same order is meant when it is tried again. */
const keys = new Map();

async function checkout(plan) {
  const key = keys.get(plan) ?? crypto.randomUUID();
  keys.set(plan, key);
  try {
    const order = await create("/api/v1/checkout", { plan }, state.session.challenge, key);
    keys.delete(plan);
    return order;
  } catch (error) {
    if (!error.isPassing) keys.delete(plan);
    throw error;
  }
}

const plan = one => {
  const each = one.price / one.credits;
  const buy = el("button.primary", {
    type: "button",
    onclick: guarded(async () => {
      // What is bought twice by a double click is one order: the button waits, and the answer leads away.
      location.assign((await checkout(one.id)).url);
      await new Promise(() => {});
    }),
  }, words.buy(money(one.price, one.currency)));
  return el("div.plan.card", {}, el("h3", {}, one.name ?? one.id), el("p.amount", {}, el("b", {}, String(one.credits)), el("span", {}, words.creditsIn(one.credits))),
    el("p.small", {}, words.each(money(Math.round(each), one.currency)), el("br"), words.valid(one.durationDays)), buy);
};

/** What has become of an order, until it is decided: Stripe tells the server, usually within seconds. */
async function followOrder(id, isPaidAtStripe, place, changed, signal) {
  const address = `/api/v1/orders/${encodeURIComponent(id)}`;
  history.replaceState(null, "", "/credits");
  let last;
  for (let asked = 0; !signal.aborted; asked++) {
    try {
      const order = await api(address, { signal });
      await readCredits();
      const hasArrived = state.credits.grants.some(grant => grant.orderId === id);
      const outcome = order.status === "paid" ? (hasArrived ? "paid" : "arriving") : order.status !== "pending" ? order.status : isPaidAtStripe ? "confirming" : "abandoned";
      if (outcome !== last) {
        last = outcome;
        fill(place, orderNews(order, outcome));
        announce(words.news[outcome]?.title ?? words.status[outcome]);
        changed();
      }
      if (!["confirming", "arriving"].includes(outcome)) return;
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error.status === 404 || error.status === 401) return complain(error);
    }
    await new Promise(resolve => setTimeout(resolve, asked < FastAsks ? FastWait : SlowWait));
  }
}

const orderNews = (order, outcome) => {
  const news = words.news[outcome] ?? { title: words.status[outcome], detail: () => "" };
  const isGood = ["paid", "arriving", "confirming"].includes(outcome);
  return el(isGood ? "section.card.news.good" : "section.card.news", {},
    el("h2", {}, icon(outcome === "paid" ? "check" : isGood ? "again" : "warning"), news.title),
    el("p", {}, news.detail(order.credits)),
    outcome === "abandoned" && order.urls.checkout && el("p.actions", {}, el("a.button.primary", { href: order.urls.checkout }, words.goOnToPay)),
    outcome === "paid" && [
      !isMember() && order.restoreCode && [el("p.small", {}, words.restoreWhy), copyable(order.restoreCode, words.restoreCode)],
      el("p.actions", {}, el("a.button.primary", { href: "/" }, words.useThem), receipt(order.urls.receipt))]);
};

/** Stripe's receipt, in a tab of its own. Its address is asked for when it is wanted, because it expires. */
const receipt = (address, style = "button.quiet") => address && el(style, {
  type: "button",
  onclick: guarded(async () => {
    // Opened by the click itself: a tab that is opened later counts as a pop-up.
    const tab = open("about:blank", "_blank");
    try {
      const { url } = await api(address);
      if (!tab) return location.assign(url);
      tab.opener = null;
      tab.location.replace(url);
    } catch (error) {
      tab?.close();
      throw error;
    }
  }),
}, icon("receipt"), words.receipt);

const orderList = (items, signal) => items.length === 0 ? el("p.small", {}, words.noOrders) : el("ul.lines", {}, items.map(order => {
  const more = el("div");
  const isPaid = order.paidAt && !isMember();
  return el("li", {},
    el("div", {}, el("strong", {}, count(order.credits, "credit")), el("span.small", {}, when(order.createdAt))),
    el("span.chip", {}, words.status[order.status]),
    el("b", {}, money(order.amount, order.currency)),
    order.urls.checkout && order.status === "pending" && el("a.button.quiet", { href: order.urls.checkout }, words.goOnToPay),
    receipt(order.urls.receipt),
    isPaid && el("button.quiet", {
      type: "button",
      onclick: guarded(async event => {
        const { currentTarget } = event;
        const { restoreCode } = await api(order.urls.self, { signal });
        fill(more, restoreCode ? [el("p.small", {}, words.restoreWhy), copyable(restoreCode, words.restoreCode)] : el("p.small", {}, words.noCode));
        currentTarget?.remove();
      }),
    }, words.restoreCode),
    more);
}));

async function entries(signal) {
  const rows = el("tbody");
  const table = el("table", {},
    el("caption.unseen", {}, words.statement),
    el("thead", {}, el("tr", {}, words.columns.map(name => el("th", { scope: "col" }, name)))), rows);
  const more = el("button.quiet", { type: "button" }, words.more);
  let cursor;
  const page = async () => {
    const { items, nextCursor } = await api(`/api/v1/credits/entries?limit=${StatementPage}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`, { signal });
    cursor = nextCursor;
    rows.append(...items.map(entry => el("tr", {},
      el("td", {}, when(entry.at)),
      el("td", {}, entry.jobId ? el("a", { href: `/stagings/${entry.jobId}` }, entry.description) : entry.description,
        entry.kind === "grant" && entry.orderId && receipt(`/api/v1/orders/${entry.orderId}/receipt`, "button.plain")),
      el("td.number", {}, entry.amount ? `${entry.amount > 0 ? "+" : "−"}${Math.abs(entry.amount)}` : "–"),
      el("td.number", {}, String(entry.balanceAfter)))));
    more.hidden = !cursor;
  };
  more.onclick = guarded(page);
  await page();
  return rows.children.length ? [el("div.table", { tabIndex: 0, role: "group", "aria-label": words.statement }, table), more] : el("p.small", {}, words.noEntries);
}
