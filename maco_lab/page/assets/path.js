// The path of one poll as SVG: four systems, three networks, and a bar along each TLS session from end to end.

import { svg } from "./dom.js";

export const PARTIES = ["MaCo", "Connectivity service", "Cloud Connector", "Mail server"];
export const HOPS = ["cloud network", "tunnel", "customer LAN"];
const ICONS = { enc: "lock", clear: "unlock", failed: "cross" };

// What a system is called: where an impostor answered, by its own word, it is no mail server.
export const called = (sight, party) => (sight.impostor && party === "Mail server" ? "Impostor" : party);

// What is drawn: for the mail and for the tunnel the bars with the numbers of the systems where they begin and end.
export function bars(sight) {
  const sessions = sight.sessions.map((each) => ({
    row: each.kind === "tunnel" ? "tunnel" : "mail",
    from: Math.min(PARTIES.indexOf(each.client), PARTIES.indexOf(each.server)),
    to: Math.max(PARTIES.indexOf(each.client), PARTIES.indexOf(each.server)),
    kind: each.succeeded ? "enc" : "failed",
    text: `${each.kind === "tunnel" ? "tunnel: " : ""}${each.succeeded ? each.version.replace("v", " ") : "TLS failed"}`,
    ends: `${each.client} with ${called(sight, each.server)}`,
  }));
  return [...sessions, ...(sight.succeeded ? inClear(sessions) : [])];
}

function inClear(sessions) {
  const covered = (hop) => sessions.some((each) => each.row === "mail" && each.kind === "enc" && each.from <= hop && hop < each.to);
  const found = [];
  HOPS.forEach((_, hop) => {
    if (covered(hop)) return;
    const last = found.at(-1);
    if (last && last.to === hop) last.to = hop + 1;
    else found.push({ row: "mail", from: hop, to: hop + 1, kind: "clear", text: "in clear", ends: "no TLS of its own" });
  });
  return found;
}

// Whether a system could read the password, from what was observed, never from the settings; null if it was not sent.
export function could(sight, party, what = "password") {
  const secret = sight.secrets.find((each) => each.name.includes(what));
  return secret ? secret.held_by.includes(party) : null;
}

const verdict = (held) => (held ? ["clear", "could read password"] : ["enc", "could not read it"]);

// For each network what somebody could read who taps it; no networks at all if the password was not sent. A secret that
// a system at one of its ends could read was in clear there, unless TLS covers it. The token always is on the first one:
// MaCo shows it to the Connectivity service before anything else, and SOCKS5 is spoken in clear.
export function readable(sight) {
  if (!PARTIES.some((party) => could(sight, party))) return [];
  const covering = bars(sight).filter((bar) => bar.kind === "enc");
  return HOPS.map((_, hop) => {
    const covered = covering.some((bar) => bar.from <= hop && hop < bar.to);
    const clear = (what) => !covered && [PARTIES[hop], PARTIES[hop + 1]].some((party) => could(sight, party, what));
    return [clear("password") ? "password" : "", clear("line in a mail") ? "mail" : "", hop === 0 ? "token" : ""].filter(Boolean);
  });
}

export function told(read) {
  if (!read.length) return "nothing secret";
  return read.length === 1 ? `only the ${read[0]}` : `${read.slice(0, -1).join(", ")} and ${read.at(-1)}`;
}

export function described(sight) {
  const drawn = bars(sight).map((bar) => {
    const over = HOPS.slice(bar.from, bar.to).join(", ");
    return bar.kind === "clear" ? `The mail is in clear over: ${over}.` : `${bar.text}, ${bar.ends}, over: ${over}.`;
  });
  const readers = PARTIES.filter((party) => could(sight, party)).map((party) => called(sight, party));
  const held = readers.length ? `The password could be read by: ${readers.join(", ")}.` : "";
  const taps = readable(sight).map((read, i) => `A tap on the ${HOPS[i]} could read: ${told(read)}.`);
  return [sight.where_tls_ended + ".", ...drawn, held, ...taps].join(" ");
}

// ``choose`` is called with the number of the network that was clicked, or entered by the keyboard.
export function path(sight, { narrow, choose }) {
  const draw = narrow ? vertical : horizontal;
  const { width, height, children, places } = draw(sight);
  return svg(
    "svg",
    { class: "path", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": described(sight) },
    svg("g", { "aria-hidden": "true" }, children),
    places.map((place, i) => hopButton(sight, i, place, choose)),
  );
}

const HOP = { width: 124, height: 28 };

// A network on the way as a button; its bytes are shown when it is chosen.
function hopButton(sight, i, [x, y], choose) {
  const id = `${sight.connection} ${i + 1}`;
  const label = `${HOPS[i]}: show the bytes as an eavesdropper saw them`;
  const button = svg(
    "g",
    { class: "hop", role: "button", tabindex: "0", "aria-label": label, "data-hop": id, "data-id": id },
    svg("title", {}, label),
    svg("rect", { x: x - HOP.width / 2, y: y - HOP.height / 2, width: HOP.width, height: HOP.height, rx: HOP.height / 2 }),
    use("eye", x - HOP.width / 2 + 15, y, 15, "glass"),
    text(x + 9, y + 4, "hop-name", HOPS[i]),
  );
  button.addEventListener("click", () => choose(i + 1));
  button.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    choose(i + 1);
  });
  return button;
}

const text = (x, y, className, words, anchor = "middle") => svg("text", { x, y, class: className, "text-anchor": anchor }, words);

function use(name, x, y, size, className) {
  return svg("svg", { x: x - size / 2, y: y - size / 2, width: size, height: size, class: className, "aria-hidden": "true" }, svg("use", { href: `#${name}` }));
}

function horizontal(sight) {
  const width = 1140;
  const centre = [100, 404, 736, 1040];
  const box = { width: 172, height: 56, top: 44 };
  const drawn = bars(sight);
  const rows = { mail: 172, tunnel: 224 };
  const hasTunnel = drawn.some((bar) => bar.row === "tunnel");
  const seenAt = hasTunnel ? 280 : 228;
  const height = seenAt + 30;
  const zones = [
    ["In the cloud", 1, 512],
    ["On the customer's premises", 628, 1139],
  ].flatMap(([name, left, right]) => [
    svg("rect", { class: "zone", x: left, y: 1, width: right - left, height: height - 2, rx: 16 }),
    text(left + 16, 24, "zone-name", name, "start"),
  ]);
  const internet = text(570, 24, "zone-name", "Internet");
  const wires = HOPS.map((_, i) => {
    const [left, right] = [centre[i] + box.width / 2, centre[i + 1] - box.width / 2];
    const y = box.top + box.height / 2;
    return svg("line", { class: "wire", x1: left, x2: right, y1: y, y2: y });
  });
  const places = HOPS.map((_, i) => [(centre[i] + centre[i + 1]) / 2, box.top + box.height / 2]);
  const guides = centre.map((x) => svg("line", { class: "end", x1: x, x2: x, y1: box.top + box.height, y2: seenAt - 18 }));
  const boxes = PARTIES.map((party, i) => [
    svg("rect", { class: "box", x: centre[i] - box.width / 2, y: box.top, width: box.width, height: box.height, rx: 12 }),
    titled(sight, party).map((words, line, { length }) => text(centre[i], box.top + (length > 1 ? 25 : 33) + 18 * line, line ? "small" : "name", words)),
  ]);
  const tracks = drawn.map((bar) => {
    const [left, right, y] = [centre[bar.from], centre[bar.to], rows[bar.row]];
    const words = bar.to - bar.from > 1 ? atLength(bar, hasTunnel) : bar.text;
    return [
      svg("rect", { class: `bar ${bar.kind}`, x: left, y: y - 17, width: right - left, height: 34, rx: 17 }),
      text((left + right) / 2, y + 5, bar.kind, words),
      [left + 20, right - 20].map((x) => use(ICONS[bar.kind], x, y, 18, bar.kind)),
    ];
  });
  const eyes = PARTIES.map((party, i) => {
    const held = could(sight, party);
    if (held === null) return [];
    const [kind, words] = verdict(held);
    return [use(held ? "eye" : "lock", centre[i], seenAt - 10, 16, kind), text(centre[i], seenAt + 12, kind, words)];
  });
  const taps = readable(sight).map((read, i) => [
    text(places[i][0], box.top + box.height + 22, "small", "a tap could read"),
    text(places[i][0], box.top + box.height + 38, `tap ${read.length ? "clear" : "enc"}`, told(read)),
  ]);
  return { width, height, children: [zones, internet, guides, wires, boxes, taps, tracks, eyes].flat(Infinity), places };
}

// The words on the box of a system, a line each.
function titled(sight, party) {
  const name = called(sight, party);
  return name === party ? [name] : [name, "in the mail server's place"];
}

// What is said on a bar that has room, because it crosses more than one network.
function atLength(bar, hasTunnel) {
  if (bar.kind === "clear") return hasTunnel ? "in clear; across the internet only the tunnel protects it" : "in clear";
  return `${bar.text} from end to end: ${bar.ends}`;
}

function vertical(sight) {
  const width = 330;
  const taps = readable(sight);
  const step = taps.length ? 166 : 148;
  const box = { left: 84, width: 240, height: 56 };
  const drawn = bars(sight);
  const rails = { mail: 22, tunnel: 56 };
  const top = (i) => 8 + i * step;
  const centre = (i) => top(i) + box.height / 2;
  const tracks = drawn.map((bar) => {
    const [x, from, to] = [rails[bar.row], centre(bar.from), centre(bar.to)];
    return [
      svg("rect", { class: `bar ${bar.kind}`, x: x - 13, y: from, width: 26, height: to - from, rx: 13 }),
      use(ICONS[bar.kind], x, (from + to) / 2, 17, bar.kind),
    ];
  });
  const boxes = PARTIES.map((party, i) => {
    const held = could(sight, party);
    const y = top(i);
    const [name, place] = titled(sight, party); // there is no room for a second line
    return [
      svg("line", { class: "end", x1: 8, x2: box.left, y1: centre(i), y2: centre(i) }),
      svg("rect", { class: "box", x: box.left, y, width: box.width, height: box.height, rx: 12 }),
      text(box.left + 16, y + (held === null ? 33 : 24), "name", place ? `${name} as the mail server` : name, "start"),
      held === null ? [] : [
        use(held ? "eye" : "lock", box.left + 24, y + 41, 15, held ? "clear" : "enc"),
        text(box.left + 37, y + 45, ...verdict(held), "start"),
      ],
    ];
  });
  const hops = HOPS.map((_, i) => {
    const y = top(i) + box.height;
    const over = drawn.filter((bar) => bar.from <= i && i < bar.to);
    const mail = over.find((bar) => bar.row === "mail");
    const outer = over.find((bar) => bar.row === "tunnel");
    const lines = [
      mail ? [mail.kind, `mail: ${mail.text}`] : null,
      outer ? [outer.kind, outer.text] : null,
      taps.length ? [`tap ${taps[i].length ? "clear" : "enc"}`, `tap: ${told(taps[i])}`] : null,
    ].filter(Boolean);
    return lines.map(([kind, words], line) => text(box.left + 6, y + 56 + line * 17, kind, words, "start"));
  });
  const places = HOPS.map((_, i) => [box.left + 6 + HOP.width / 2, top(i) + box.height + 24]);
  return { width, height: top(3) + box.height + 8, children: [boxes, tracks, hops].flat(Infinity), places };
}
