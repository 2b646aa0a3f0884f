// Numbers, dates and money as the reader's language writes them.

import { text } from "../text.js";

const rules = new Intl.PluralRules(text.language);
const short = new Intl.DateTimeFormat(text.language, { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat(text.language, { dateStyle: "long" });

/** "1 credit", "2 credits": the word is a key of text.words. */
export const count = (n, word) => `${n} ${text.words[word][rules.select(n)] ?? text.words[word].other}`;

/** A moment. */
export const when = time => short.format(new Date(time));

/** A day. */
export const onDay = time => day.format(new Date(time));

/** Minor units of a currency. */
export function money(amount, currency) {
  const format = new Intl.NumberFormat(text.language, { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits;
  const value = amount / 10 ** digits;
  return Number.isInteger(value)
    ? new Intl.NumberFormat(text.language, { style: "currency", currency, maximumFractionDigits: 0 }).format(value)
    : format.format(value);
}

/** Seconds as "40 s" or "2 min". */
export const duration = seconds => (seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`);
