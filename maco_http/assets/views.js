// A page of several views, chosen by the fragment of its address, and the acts of their buttons.

import { html, icon, redraw } from "./dom.js";

export class Views {
  // routes: [pattern, view]; a view is an async function of what the pattern's groups matched, and returns elements.
  // `failed` gets the error of an act.
  constructor(main, told, failed, routes) {
    this.main = main;
    this.told = told;
    this.failed = failed;
    this.routes = routes;
    this.drawing = 0;
  }

  // Draws what the fragment names; false if it names nothing. The heading gets the focus where the view is another one.
  async show({ focus = false } = {}) {
    const found = this.routes.map(([pattern, view]) => [pattern.exec(location.hash), view]).find(([match]) => match);
    if (!found) return false;
    const drawing = (this.drawing += 1);
    const [match, view] = found;
    const elements = await view(Object.fromEntries(Object.entries(match.groups ?? {}).map(([name, text]) => [name, decodeURIComponent(text)])));
    if (drawing !== this.drawing) return true; // another view was chosen meanwhile
    redraw(this.main, () => elements.filter((each) => each !== null && each !== undefined));
    if (focus) this.main.querySelector("h2")?.focus();
    return true;
  }

  tell(words) {
    this.told.textContent = words;
  }

  // Runs an act and draws anew; tells its words.
  async act(begun, act) {
    this.tell(begun);
    try {
      const words = await act();
      await this.show();
      this.tell(typeof words === "string" ? words : "");
    } catch (error) {
      this.failed(error);
    }
  }
}

// A button; while its act runs it does nothing more. `of` says in its name what it is about; `id` finds it again when it
// was drawn anew.
export function button(label, click, { of = "", id = `${label} ${of}`, kind = null } = {}) {
  const name = of ? `${label} ${of}` : null;
  return html("button", { type: "button", class: kind, "data-id": id, "aria-label": name, title: name, click: once(click) }, label);
}

// The same with a sign instead of its label, for the rows of a table.
export function signButton(sign, label, click, { of }) {
  const name = `${label} ${of}`;
  return html("button", { type: "button", class: "sign", "data-id": name, "aria-label": name, title: label, click: once(click) }, icon(sign));
}

export function once(click) {
  return async ({ currentTarget: pressed }) => {
    if (pressed.getAttribute("aria-disabled") === "true") return;
    pressed.setAttribute("aria-disabled", "true"); // and not "disabled": that would take the focus away
    try {
      await click();
    } finally {
      pressed.removeAttribute("aria-disabled");
    }
  };
}

export function head(title, lead, ...acts) {
  return html(
    "div",
    { class: "view-head" },
    html("div", {}, html("h2", { tabindex: "-1" }, title), lead ? html("p", {}, lead) : null),
    acts.some(Boolean) ? html("div", { class: "acts" }, acts) : null,
  );
}

export function card(title, acts, ...content) {
  return html("section", { class: "card panel" }, html("div", { class: "panel-head" }, html("h3", {}, title), html("div", { class: "acts" }, acts)), content);
}
