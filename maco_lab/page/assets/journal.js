// The journal as it happens: the newest entries, the newest first.

import { html } from "./dom.js";
import { clock, observer, sentence } from "./words.js";

const KEPT = 200;

export class LiveJournal {
  constructor(list) {
    this.list = list;
  }

  add(seen) {
    const line = html(
      "li",
      {},
      html("span", { class: "mono" }, `#${seen.n}`),
      html("span", { class: "mono" }, clock(seen.t)),
      html("span", {}, observer(seen)),
      html("span", {}, sentence(seen)),
    );
    this.list.prepend(line);
    while (this.list.childElementCount > KEPT) this.list.lastElementChild.remove();
  }

  clear() {
    this.list.replaceChildren();
  }
}
