// The list of connections, and the timeline of the one that is chosen.

import { get } from "./api.js";
import { certificate } from "./certificates.js";
import { html, mark, mono, replace } from "./dom.js";
import { clock, observer, sentence, tone } from "./words.js";

const OUTCOMES = {
  done: ["good", "done"],
  closed: ["good", "closed"],
  open: ["open", "open"],
  failed: ["failed", "failed"],
  refused: ["failed", "refused"],
};

export class Connections {
  constructor(list, timeline) {
    this.list = list;
    this.timeline = timeline;
    this.chosen = null;
    this.shown = "";
  }

  async refresh() {
    const { connections } = await get("/api/connections?limit=40");
    if (!connections.some((each) => each.id === this.chosen)) this.chosen = connections[0]?.id ?? null;
    const items = connections.map((each) => html("li", {}, this.button(each)));
    replace(this.list, ...(items.length ? items : [html("li", { class: "empty" }, "No connection yet.")]));
    await this.show();
  }

  button(each) {
    const button = html(
      "button",
      { type: "button", "data-id": each.id, "aria-current": each.id === this.chosen ? "true" : null },
      html("span", { class: "who" }, each.email_connection || "another program"),
      html("span", { class: "outcome" }, mark(...OUTCOMES[each.outcome])),
      html("span", { class: "where" }, each.virtual || "did not get through the proxy"),
      html("span", { class: "when" }, clock(each.began)),
    );
    button.addEventListener("click", () => this.choose(each.id));
    return button;
  }

  async choose(id) {
    this.chosen = id;
    for (const button of this.list.querySelectorAll("button")) {
      if (button.dataset.id === id) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
    await this.show();
  }

  async show() {
    if (!this.chosen) return;
    const wanted = this.chosen;
    const { connection, timeline } = await get(`/api/connections/${encodeURIComponent(wanted)}`);
    const state = `${wanted} ${timeline.length}`;
    if (wanted !== this.chosen || state === this.shown) return;
    this.shown = state;
    this.timeline.replaceChildren(head(connection), html("ol", { class: "steps" }, timeline.map((each) => step(each, connection.began))));
  }
}

function head(connection) {
  const name = connection.email_connection || "Another program";
  const traced = connection.id.startsWith("entry-") ? ["no trace ID: it never got a way"] : ["trace ID ", mono(connection.id)];
  return html(
    "div",
    { class: "timeline-head" },
    html("h3", {}, connection.virtual ? `${name} to ${connection.virtual}` : name),
    html("p", {}, ...traced),
  );
}

function step(seen, began) {
  const kind = tone(seen);
  const words = sentence(seen);
  return html(
    "li",
    {},
    html("span", { class: "at" }, `+${((seen.t - began) * 1000).toFixed(1)} ms`),
    html("span", { class: "party" }, observer(seen)),
    html("div", { class: "what" }, kind ? mark(kind, words) : words, seen.kind === "handshake" ? chain(seen) : null),
  );
}

function chain(seen) {
  const peer = seen.peer_chain ?? [];
  if (!peer.length) return null;
  const vouched = seen.verified_against ? `vouched by ${seen.verified_against}` : "verified by nobody";
  return html(
    "details",
    { class: "extra" },
    html("summary", {}, `${peer.length} certificate${peer.length === 1 ? "" : "s"}, ${vouched}`),
    seen.name_checked ? html("p", { class: "muted" }, `name checked: ${seen.name_checked}`) : null,
    peer.map(certificate),
  );
}
