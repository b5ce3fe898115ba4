// Small makers of elements. Text is always set as text: much of it was said by a peer. An attribute that is a function
// listens to the event of its name.

const SVG = "http://www.w3.org/2000/svg";

export function html(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

export function icon(name) {
  return svg("svg", { class: "icon", "aria-hidden": "true" }, svg("use", { href: `#${name}` }));
}

// A word with its icon and colour: enc, clear or failed.
export function mark(kind, text) {
  const name = { enc: "lock", clear: "unlock", failed: "cross", good: "check", open: "open" }[kind];
  return html("span", { class: kind === "good" ? "enc" : kind === "open" ? "muted" : kind }, icon(name), ` ${text}`);
}

export function table(headings, rows) {
  const cell = (value, i) => html("td", { "data-label": headings[i], class: value ? null : "none" }, value);
  return html(
    "table",
    { class: "table" },
    html("thead", {}, html("tr", {}, headings.map((each) => html("th", { scope: "col" }, each)))),
    html("tbody", {}, rows.map((row) => html("tr", {}, row.map(cell)))),
  );
}

export function facts(pairs, className = "facts") {
  const shown = pairs.filter(([, value]) => value);
  return html("dl", { class: className }, shown.flatMap(([name, value]) => [html("dt", {}, name), html("dd", {}, value)]));
}

export function replace(parent, ...children) {
  redraw(parent, () => children);
}

// Replaces the children by what is made now, which may take over some of the old ones. Who had the keyboard's focus
// inside keeps it: the element itself if it is still there, or else the one with the same data-id.
export function redraw(parent, make) {
  const held = parent.contains(document.activeElement) ? document.activeElement : null;
  parent.replaceChildren(...make().flat());
  const still = held?.isConnected ? held : held?.dataset.id && parent.querySelector(`[data-id="${CSS.escape(held.dataset.id)}"]`);
  if (still && still !== document.activeElement) still.focus({ preventScroll: true });
}

export function mono(text) {
  return html("span", { class: "mono" }, text);
}
