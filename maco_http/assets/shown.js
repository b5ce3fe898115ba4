// How moments, sizes and names of certificates are shown.

import { mark } from "./dom.js";

const DAY_MS = 86_400_000;
const EXPIRING_DAYS = 30;

const moment = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });

export const at = (milliseconds) => (milliseconds ? moment.format(new Date(milliseconds)) : "");

export const onDay = (milliseconds) => day.format(new Date(milliseconds));

export const commonName = (subject) => /(?:^|,)CN=((?:\\.|[^,])*)/.exec(subject)?.[1] ?? subject;

export const spaced = (name) => name.replaceAll(/,(?=[A-Z]+=)/g, ", ");

export function bytes(count) {
  if (count < 1024) return `${count} B`;
  return count < 1024 * 1024 ? `${(count / 1024).toFixed(1)} KB` : `${(count / 1024 / 1024).toFixed(1)} MB`;
}

// Until when something is valid, with a sign that says how that is.
export function validity(notAfterMs) {
  const days = Math.floor((notAfterMs - Date.now()) / DAY_MS);
  if (days < 0) return mark("failed", `expired on ${onDay(notAfterMs)}`);
  if (days < EXPIRING_DAYS) return mark("clear", `expires in ${days} days`);
  return mark("good", `until ${onDay(notAfterMs)}`);
}
