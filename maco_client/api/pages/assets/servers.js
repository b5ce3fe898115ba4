// Configure Email Server: where a mail server is reached.

import { call, get, named } from "./api.js";
import { ask, confirm } from "./dialog.js";
import { html, mono, table } from "./dom.js";
import { testServer } from "./tests.js";
import { button, card, head, signButton } from "./views.js";

const PATH = "/api/servers";
const PROXY_TYPES = [["On-Premise", "On-Premise"], ["Internet", "Internet"]];

export async function servers(session) {
  const { servers: listed } = await get(PATH);
  const row = (each) => [
    html("strong", {}, each.name),
    mono(each.address),
    each.proxy_type,
    each.location_id || html("span", { class: "muted" }, "none"),
    `${each.timeout_ms} ms`,
    each.used_by.join(", ") || html("span", { class: "muted" }, "nobody"),
    html(
      "div",
      { class: "acts" },
      each.proxy_type === "On-Premise" ? signButton("pulse", "Test", () => testServer(each), { of: each.name }) : null,
      signButton("pencil", "Edit", () => edit(session, each), { of: each.name }),
      signButton("bin", "Delete", () => remove(session, each), { of: each.name }),
    ),
  ];
  return [
    head("Email Servers", "Configure Email Server: MaCo knows the virtual host and port of the Cloud Connector's mapping."),
    card(
      `Email Servers (${listed.length})`,
      [button("Add email server", () => add(session), { kind: "primary" })],
      listed.length
        ? table(["Name", "Address", "Proxy Type", "Location ID", "Timeout", "Used By", "Actions"], listed.map(row))
        : html("p", { class: "empty" }, "There is none yet."),
    ),
  ];
}

const settings = (each = {}) => [
  { name: "address", label: "Address", value: each.address, required: true, hint: "Virtual host and port of the mapping, such as mail.stadtwerke.example:143." },
  { name: "proxy_type", label: "Proxy Type", type: "select", options: PROXY_TYPES, value: each.proxy_type ?? "On-Premise" },
  { name: "location_id", label: "Location ID", value: each.location_id, hint: "The one that the Cloud Connector's subaccount has." },
  { name: "timeout_ms", label: "Timeout (in ms)", type: "number", value: String(each.timeout_ms ?? 30000), required: true, attributes: { min: 1 } },
];

const withNumbers = ({ timeout_ms: timeout, ...filled }) => ({ ...filled, timeout_ms: Number(timeout) });

function add(session) {
  ask({
    title: "Configure Email Server",
    submit: "Add",
    fields: [{ name: "name", label: "Name", required: true }, ...settings()],
    act: async (filled) => {
      await call("POST", PATH, withNumbers(filled));
      await session.changed("The e-mail server is added.");
    },
  });
}

function edit(session, each) {
  ask({
    title: `Configure Email Server ${each.name}`,
    lead: "Counts from the next poll on.",
    fields: settings(each),
    act: async (filled) => {
      await call("PATCH", named(PATH, each.name), withNumbers(filled));
      await session.changed("The e-mail server is saved.");
    },
  });
}

function remove(session, { name }) {
  confirm({
    title: `Delete ${name}?`,
    submit: "Delete",
    act: async () => {
      await call("DELETE", named(PATH, name));
      await session.changed("The e-mail server is deleted.");
    },
  });
}
