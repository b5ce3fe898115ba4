// Polling now, and what came of a poll.

import { call } from "./api.js";
import { html, mark } from "./dom.js";

// Polls some e-mail connections, or all; tells what came of it.
export function pollNow(session, connections = []) {
  return session.act("MaCo polls …", async () => {
    const { results } = await (await call("POST", "/api/poll", { connections })).json();
    return results.length ? results.map(worded).join(" · ") : "There is no e-mail connection to poll.";
  });
}

const mails = (count) => `${count} mail${count === 1 ? "" : "s"} fetched`;

export function worded(result) {
  if (result.succeeded) return `${result.connection}: ${mails(result.stored)}`;
  return `${result.connection}: failed at step '${result.stage}': ${result.error}`;
}

// How the newest poll ended, with what to look at where it failed.
export function lastPoll({ last_poll: poll, polling }) {
  if (polling) return mark("open", "polls now");
  if (!poll) return mark("open", "not polled yet");
  if (poll.succeeded) return html("span", {}, mark("good", mails(poll.stored)), html("span", { class: "under" }, `in ${poll.duration_ms} ms`));
  return html(
    "span",
    {},
    mark("failed", `failed at step '${poll.stage}'`),
    html("span", { class: "under" }, poll.error),
    poll.hint ? html("span", { class: "under" }, `Look at: ${poll.hint}`) : null,
  );
}
