// The switches of the teaching scenarios, and what is told while one is on.

import { html, mark, replace } from "./dom.js";

export class Scenarios {
  constructor(list, banner, act, poll) {
    this.list = list;
    this.banner = banner;
    this.act = act; // (name, "on" or "off")
    this.poll = poll;
  }

  show({ scenarios }) {
    const on = scenarios.find((each) => each.is_on);
    this.tell(on);
    const groups = [...new Set(scenarios.map((each) => each.about))];
    replace(
      this.list,
      ...groups.flatMap((about) => [
        html("h3", {}, about),
        html("ul", { class: "scenarios" }, scenarios.filter((each) => each.about === about).map((each) => this.card(each))),
      ]),
    );
  }

  tell(on) {
    const shown = on?.name ?? "";
    if (this.banner.dataset.shown === shown) return;
    this.banner.dataset.shown = shown;
    this.banner.hidden = !on;
    if (!on) return this.banner.replaceChildren();
    replace(
      this.banner,
      html("p", { class: "banner-title" }, mark("failed", `Scenario on: ${on.about}: ${on.title}`)),
      html("p", {}, `What to expect: ${on.expect}`),
      html("p", { class: "muted" }, `The setting: ${on.system}, ${on.setting}.`),
      html("div", { class: "banner-acts" }, this.button("Poll now to see it", "banner-poll", () => this.poll()), this.button("Switch it off", "banner-off", () => this.act(on.name, "off"))),
    );
  }

  button(words, id, act) {
    const button = html("button", { type: "button", "data-id": id }, words);
    button.addEventListener("click", act);
    return button;
  }

  card(each) {
    const id = `scenario-${each.name}`;
    const button = html(
      "button",
      {
        type: "button",
        role: "switch",
        "data-id": id,
        "aria-checked": String(each.is_on),
        "aria-describedby": id,
        "aria-disabled": each.why_not ? "true" : null,
      },
      html("span", { class: "knob", "aria-hidden": "true" }),
      html("span", { class: "title" }, each.title),
      html("span", { class: "state", "aria-hidden": "true" }, each.is_on ? "on" : "off"),
    );
    button.addEventListener("click", () => (each.why_not ? null : this.act(each.name, each.is_on ? "off" : "on")));
    return html(
      "li",
      { class: each.is_on ? "card on" : "card" },
      button,
      html("div", { id }, html("p", {}, each.why_not ? `Not possible here: ${each.why_not}` : each.expect), html("p", { class: "muted" }, html("b", {}, each.system), `: ${each.setting}`)),
    );
  }
}
