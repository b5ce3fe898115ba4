// Fields of a form, each with its label and hint, and what was filled in.

import { html } from "./dom.js";

let number = 0;

// spec: name, label, and as needed type, value, options ([value, label, hint]), hint, and attributes of the input.
export function field(spec) {
  const { type = "text" } = spec;
  const id = `field-${(number += 1)}`;
  if (type === "radio") return radios(spec, id);
  if (type === "checkbox") return checkbox(spec, id);
  const label = html("label", { for: id }, spec.label, spec.required || type === "select" ? null : html("span", { class: "optional" }, " optional"));
  return html("div", { class: "form-field" }, label, input(spec, id), hint(spec, id));
}

function input(spec, id) {
  const { type = "text", name, value = "", options = [] } = spec;
  const attributes = { id, name, required: spec.required ? "" : null, "aria-describedby": spec.hint ? `${id}-hint` : null, ...spec.attributes };
  if (type === "select") return select(options, value, attributes);
  if (type === "textarea") return html("textarea", { rows: 6, spellcheck: "false", ...attributes }, value);
  return html("input", { type, spellcheck: "false", autocomplete: "off", ...(type === "file" ? {} : { value }), ...attributes });
}

export function select(options, value, attributes) {
  return html(
    "select",
    attributes,
    options.map(([each, label]) => html("option", { value: each, selected: each === value ? "" : null }, label)),
  );
}

function checkbox({ name, label, value, hint: words }, id) {
  const box = html("input", { type: "checkbox", id, name, checked: value ? "" : null, "aria-describedby": words ? `${id}-hint` : null });
  return html("div", { class: "form-field" }, html("label", { class: "choice", for: id }, box, html("span", {}, label)), hint({ hint: words }, id));
}

function radios({ name, label, value, options }, id) {
  const choice = ([each, words, more], i) =>
    html(
      "label",
      { class: "choice", for: `${id}-${i}` },
      html("input", { type: "radio", id: `${id}-${i}`, name, value: each, required: "", checked: each === value ? "" : null }),
      html("span", {}, words, more ? html("span", { class: "hint" }, more) : null),
    );
  return html("fieldset", { class: "form-field" }, html("legend", {}, label), html("div", { class: "choices" }, options.map(choice)));
}

function hint(spec, id) {
  return spec.hint ? html("p", { class: "hint", id: `${id}-hint` }, spec.hint) : null;
}

// What is filled in, by name: texts, booleans of checkboxes, files of file fields.
export function filledIn(form) {
  const found = {};
  for (const each of form.elements) {
    if (!each.name) continue;
    if (each.type === "checkbox") found[each.name] = each.checked;
    else if (each.type === "file") found[each.name] = [...each.files];
    else if (each.type !== "radio" || each.checked) found[each.name] = each.value;
  }
  return found;
}
