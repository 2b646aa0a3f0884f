// The account's listings, the newest first. Their pictures are asked for when they come into sight.

import { api } from "../../lib/api.js";
import { el, fill } from "../../lib/dom.js";
import { when } from "../../lib/format.js";
import { icon } from "../../lib/icons.js";
import { onListing } from "../../lib/live.js";
import { guarded } from "../../parts/notice.js";
import { load, skeleton } from "../../parts/waiting.js";
import { text } from "../../text.js";
import { listingName } from "../listing.js";
import { erase } from "../room/erase.js";

const words = text.listing;
const PageSize = 12;
const Pictures = 4;

/** The element, which reads its first page now. */
export function listings(signal) {
  const list = el("ul.rooms", { id: "listings" });
  const more = el("button.quiet", { type: "button", onclick: guarded(page) }, text.library.more);
  const element = el("div", {}, el("div.rooms", {}, Array.from({ length: 3 }, () => skeleton("12rem"))));
  const inSight = new IntersectionObserver(entries => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      inSight.unobserve(target);
      target.show();
    }
  }, { rootMargin: "200px" });
  let cursor;

  async function page() {
    const { items, nextCursor } = await api(`/api/v1/listings?limit=${PageSize}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`, { signal });
    cursor = nextCursor;
    more.hidden = !cursor;
    list.append(...items.map(card));
  }

  function card(listing) {
    const mosaic = el("div.mosaic", { "aria-hidden": "true" });
    const status = el("span");
    const element = el("li", {},
      el("a", { href: `/listings/${listing.id}` }, mosaic, el("strong", {}, listingName(listing)), status),
      listing.finishedAt && erase(listing, {
        done: () => element.remove(), style: "button.round.remove", content: icon("trash"), question: { title: words.erase.title, detail: words.erase.detail(listing.photos) },
      }));
    const tell = ({ counts, photos, ...now }) => fill(status, `${words.status[now.status]} · ${words.progress(counts.succeeded, photos - counts.notStaged)} · ${when(now.createdAt)}`);
    tell(listing);
    element.id = `listing-${listing.id}`;
    element.show = async () => {
      try {
        const now = await api(`/api/v1/listings/${listing.id}`, { signal });
        tell(now);
        fill(mosaic, now.items.flatMap(({ staging }) => staging ?? []).slice(0, Pictures).map(staging => el("img", { src: staging.images?.[0]?.urls.thumb ?? staging.urls.original, alt: "" })));
      } catch {
        // Deleted meanwhile, or offline: the card stays as it is.
      }
    };
    inSight.observe(element);
    return element;
  }

  onListing(({ listingId }) => list.querySelector(`#listing-${CSS.escape(listingId)}`)?.show(), signal);
  load(element, async () => {
    await page();
    return list.children.length ? [list, el("div.end-of-list", {}, more)] : el("p.small", {}, text.library.noListings);
  }, signal);
  return element;
}
