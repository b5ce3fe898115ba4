// Dialogs: one form, several steps one after the other, or a question. The browser keeps the focus inside and lets Escape
// close; behind it the focus is where it was, also if that was drawn anew meanwhile.

import { html, mark } from "./dom.js";
import { field, filledIn } from "./form.js";

let number = 0;

// Opens a form. `act` gets what was filled in; what it throws is shown and the dialog stays. Whatever `act` returns
// that is an element is shown as the last step.
export function ask({ title, lead, fields = [], submit = "Save", danger = false, act }) {
  wizard({ title, steps: [{ lead, fields: () => fields, submit, danger }], act });
}

export function confirm({ title, lead, submit, act }) {
  ask({ title, lead, submit, act, danger: true });
}

// Shows something that is only read.
export function tellAbout(title, ...content) {
  const { dialog, body } = opened(title);
  body.append(...content, html("div", { class: "dialog-acts" }, closing("Close", dialog)));
  dialog.showModal();
}

// steps: each { title, lead, fields(values), submit, danger, skip(values) }, in their order.
export function wizard({ title, steps, act, values = {} }) {
  const { dialog, body } = opened(title);
  let filled = values;
  const draw = (i) => {
    const form = step(steps, i, filled, dialog, {
      back: (found) => {
        filled = { ...filled, ...found };
        draw(before(steps, i, filled));
      },
      next: async (found) => {
        filled = { ...filled, ...found };
        const following = after(steps, i, filled);
        if (following < steps.length) return draw(following);
        const result = await act(filled);
        if (result instanceof Node) body.replaceChildren(result, html("div", { class: "dialog-acts" }, closing("Close", dialog)));
        else dialog.close();
        return undefined;
      },
    });
    body.replaceChildren(form);
    if (dialog.open) focusFirst(body);
  };
  draw(0);
  dialog.showModal();
  focusFirst(body);
}

function step(steps, i, filled, dialog, { back, next }) {
  const { title, lead, fields = () => [], submit = "Next", danger } = steps[i];
  const alert = html("p", { class: "problem", role: "alert" });
  const isFirst = before(steps, i, filled) < 0;
  const button = html("button", { class: danger ? "danger" : "primary" }, submit);
  const form = html(
    "form",
    {},
    title ? html("h3", { tabindex: "-1" }, title) : null,
    steps.length > 1 ? html("p", { class: "step" }, place(steps, i, filled)) : null,
    lead ? html("div", { class: "lead" }, typeof lead === "function" ? lead(filled) : lead) : null,
    html("div", { class: "form-fields" }, fields(filled).map(field)),
    alert,
    html(
      "div",
      { class: "dialog-acts" },
      isFirst ? null : html("button", { type: "button", click: () => back(filledIn(form)) }, "Back"),
      closing("Cancel", dialog),
      button,
    ),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    alert.replaceChildren();
    try {
      await next(filledIn(form));
    } catch (error) {
      alert.append(mark("failed", error.message));
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
  return form;
}

const isSkipped = (step, filled) => step.skip?.(filled) ?? false;

function place(steps, i, filled) {
  const shown = steps.filter((each) => !isSkipped(each, filled));
  return `Step ${shown.indexOf(steps[i]) + 1} of ${shown.length}`;
}

function after(steps, i, filled) {
  let at = i + 1;
  while (at < steps.length && isSkipped(steps[at], filled)) at += 1;
  return at;
}

function before(steps, i, filled) {
  let at = i - 1;
  while (at >= 0 && isSkipped(steps[at], filled)) at -= 1;
  return at;
}

function opened(title) {
  const id = `dialog-${(number += 1)}`;
  const before = document.activeElement;
  const body = html("div", { class: "dialog-body" });
  const dialog = html("dialog", { "aria-labelledby": id }, html("h2", { id }, title), body);
  dialog.addEventListener("close", () => {
    dialog.remove();
    focusAgain(before);
  });
  document.body.append(dialog);
  return { dialog, body };
}

const closing = (words, dialog) => html("button", { type: "button", click: () => dialog.close() }, words);

const FIRST = ["input:checked, input:not([type=radio]):not([readonly]), select, textarea", "h3", "button.primary", "button"];

function focusFirst(body) {
  FIRST.map((each) => body.querySelector(each)).find(Boolean)?.focus();
}

function focusAgain(before) {
  const same = before?.dataset?.id && document.querySelector(`[data-id="${CSS.escape(before.dataset.id)}"]`);
  (before?.isConnected ? before : same || document.querySelector("main h2"))?.focus();
}
