// The bytes of one poll on one network as an eavesdropper saw them, beside the same moments on the next network.

import { get } from "./api.js";
import { html, mark, replace } from "./dom.js";
import { DESCRIBED } from "./words.js";

const PAGE = 12; // moments at a time
const SHOWN_OF_TLS = 64; // nobody reads more of what is encrypted
const HOPS = Object.keys(DESCRIBED);
const narrow = matchMedia("(max-width: 760px)");
const panels = new Map();

// The panel of an e-mail connection that is open, if one is: it lives on while the cards are drawn anew.
export function openPanel(connection) {
  const panel = panels.get(connection);
  return panel ? panel.element : null;
}

export async function showHop(connection, hop) {
  const panel = panels.get(connection) ?? new Panel(connection);
  panels.set(connection, panel);
  await panel.load(hop, 0);
  return panel.element;
}

export function readAnew() {
  return Promise.all([...panels.values()].map((panel) => panel.readAnew()));
}

narrow.addEventListener("change", () => panels.forEach((panel) => panel.draw()));

class Panel {
  constructor(connection) {
    this.connection = connection;
    this.element = html("section", {
      class: "wires",
      tabindex: "-1",
      "data-id": `wires-${connection}`,
      "aria-label": `Bytes on the way of ${connection}`,
    });
    this.element.addEventListener("keydown", (event) => (event.key === "Escape" ? this.close() : null));
  }

  async load(hop, offset) {
    this.hop = hop;
    const path = `/api/sights/${encodeURIComponent(this.connection)}/hop`;
    const seen = await get(`${path}?hop=${hop}&offset=${offset}&limit=${PAGE}`);
    if (this.hop !== hop) return;
    this.seen = seen;
    this.draw();
  }

  // Whoever reads further down stays there, unless there has been another poll.
  async readAnew() {
    const before = this.seen?.shown[0]?.at;
    await this.load(this.hop, this.seen?.offset ?? 0);
    if (this.seen?.offset && this.seen.shown[0]?.at !== before) await this.load(this.hop, 0);
  }

  draw() {
    replace(this.element, this.head(), ...(this.seen.tapped ? this.body() : [html("p", { class: "off" }, this.seen.why)]));
  }

  head() {
    const choose = HOPS.map((name, i) => {
      const button = html("button", { type: "button", "data-id": `hop-${i + 1}`, "aria-pressed": String(this.hop === i + 1) }, `${i + 1} ${name}`);
      button.addEventListener("click", () => this.load(i + 1, 0));
      return button;
    });
    const close = html("button", { type: "button", class: "close" }, "Close");
    close.addEventListener("click", () => this.close());
    return html(
      "div",
      { class: "wires-head" },
      html("h4", {}, "What an eavesdropper saw"),
      html("div", { class: "choose", role: "group", "aria-label": "Network" }, choose),
      close,
    );
  }

  close() {
    const hop = document.querySelector(`[data-hop="${CSS.escape(`${this.connection} ${this.hop}`)}"]`);
    panels.delete(this.connection);
    this.element.remove();
    hop?.focus();
  }

  body() {
    const { hops, shown } = this.seen;
    const first = shown[0]?.at ?? 0;
    const wires = hops.map(({ hop, note }) =>
      html("div", {}, html("h5", {}, `${HOPS.indexOf(hop) + 1} ${hop}`), html("p", {}, [DESCRIBED[hop], note && `${note}.`].filter(Boolean).join(" "))),
    );
    const rows = shown.map((moment) =>
      html(
        "li",
        {},
        html("span", { class: "at" }, `+${((moment.at - first) * 1000).toFixed(1)} ms`),
        hops.map(({ hop }, i) => side(hop, i ? moment.beside : moment.here, hops.length)),
      ),
    );
    const empty = html("p", { class: "empty" }, "Nothing of this poll passed here.");
    return [
      html("div", { class: `pair of-${hops.length}` }, wires),
      rows.length ? html("ol", { class: `moments of-${hops.length}` }, rows) : empty,
      this.pager(),
      html("p", { class: "muted" }, "Dots (•) hide secrets: passwords, the token, and the line that the lab has planted in a mail."),
    ];
  }

  pager() {
    const { offset, moments, shown } = this.seen;
    if (moments <= PAGE) return "";
    const step = (name, to) => {
      const off = to < 0 || to >= moments || to === offset;
      const button = html("button", { type: "button", "data-id": name, "aria-disabled": off ? "true" : null }, name);
      button.addEventListener("click", () => (off ? null : this.load(this.hop, to)));
      return button;
    };
    return html(
      "div",
      { class: "pager" },
      step("Earlier", offset > 0 ? Math.max(0, offset - PAGE) : -1),
      html("span", { role: "status" }, `${offset + 1} to ${offset + shown.length} of ${moments}`),
      step("Later", offset + PAGE),
    );
  }
}

function side(hop, pieces, wires) {
  const none = wires > 1 ? html("p", { class: "nothing" }, "nothing at this moment") : null;
  return html("div", { class: "side", "data-label": hop }, pieces.length ? pieces.map(piece) : none);
}

function piece(each) {
  const clear = each.session === "" && each.kind === "in clear";
  const tls = [each.kind, each.session].filter(Boolean).join(", TLS of ");
  return html(
    "div",
    { class: `piece ${clear ? "in-clear" : "in-tls"}` },
    html(
      "p",
      {},
      html("span", { class: "way" }, each.to_mail_server ? "→ to the mail server" : "← to MaCo"),
      clear ? mark("clear", "in clear") : mark("enc", tls),
      html("span", { class: "muted" }, `${each.size} byte${each.size === 1 ? "" : "s"}`),
    ),
    clear ? inClear(each) : dump(each, SHOWN_OF_TLS),
  );
}

// The text line by line, as somebody would read it who looks at the wire; bytes that are no text as a dump alone.
function inClear(each) {
  const bytes = each.hex.match(/../g);
  const lines = bytes.map((byte, at) => ({ "0a": "\n", "0d": "" })[byte] ?? each.text[at]).join("");
  const words = lines.replaceAll(/•{24,}/g, (run) => `•••••••• (${run.length} bytes hidden) ••••••••`).replace(/\n+$/, "");
  if (!/[^.•\s]{4}/.test(words)) return dump(each, each.hidden ? SHOWN_OF_TLS : each.shown);
  const whole = html("details", {}, html("summary", {}, "hex dump"), dump(each, each.shown));
  return [html("pre", { class: "readable" }, words), whole];
}

function dump(each, most) {
  const width = narrow.matches ? 8 : 16;
  const lines = [];
  for (let at = 0; at < Math.min(each.shown, most); at += width) {
    const end = Math.min(at + width, each.shown, most);
    const hex = each.hex.slice(2 * at, 2 * end).match(/../g).join(" ");
    lines.push(`${(each.offset + at).toString(16).padStart(5, "0")} ${hex.padEnd(3 * width - 1)} ${each.text.slice(at, end)}`);
  }
  const left = each.size - Math.min(each.shown, most);
  if (left) lines.push(`       … ${left} more byte${left === 1 ? "" : "s"}`);
  return html("pre", { class: "dump" }, lines.join("\n"));
}
