// Security material: who logs in. Secrets go in and never come out.

import { call, get, named } from "./api.js";
import { ask, confirm } from "./dialog.js";
import { html, table } from "./dom.js";
import { button, card, head, signButton } from "./views.js";

const PATH = "/api/credentials";

const KINDS = [["password", "Password"], ["access_token", "Access token (OAuth2)"]];
const secretFields = [
  { name: "kind", label: "Kind", type: "select", options: KINDS, value: "password" },
  { name: "secret", label: "Password or Token", type: "password", required: true, attributes: { autocomplete: "off" } },
];

export async function credentials(session) {
  const { credentials: listed } = await get(PATH);
  const row = (each) => [
    html("strong", {}, each.name),
    each.user,
    each.kind,
    each.used_by.join(", ") || html("span", { class: "muted" }, "nobody"),
    html(
      "div",
      { class: "acts" },
      signButton("pencil", "Edit", () => edit(session, each), { of: each.name }),
      signButton("bin", "Delete", () => remove(session, each), { of: each.name }),
    ),
  ];
  return [
    head("Security Material", "User Credentials that e-mail connections log in with. A password can be set, and never read."),
    card(
      `User Credentials (${listed.length})`,
      [button("Add credential", () => add(session), { kind: "primary" })],
      listed.length ? table(["Name", "User", "Secret", "Used By", "Actions"], listed.map(row)) : html("p", { class: "empty" }, "There is none yet."),
    ),
  ];
}

function add(session) {
  ask({
    title: "Add User Credentials",
    submit: "Add",
    fields: [{ name: "name", label: "Credential Name", required: true }, { name: "user", label: "User", required: true }, ...secretFields],
    act: async ({ name, user, kind, secret }) => {
      await call("POST", PATH, { name, user, [kind]: secret });
      await session.changed("The credential is added.");
    },
  });
}

function edit(session, each) {
  ask({
    title: `Edit User Credentials ${each.name}`,
    lead: "The new secret takes the place of the one before.",
    fields: [{ name: "user", label: "User", value: each.user, required: true }, ...secretFields],
    act: async ({ user, kind, secret }) => {
      await call("PATCH", named(PATH, each.name), { user, [kind]: secret });
      await session.changed("The credential is saved.");
    },
  });
}

function remove(session, { name }) {
  confirm({
    title: `Delete ${name}?`,
    submit: "Delete",
    act: async () => {
      await call("DELETE", named(PATH, name));
      await session.changed("The credential is deleted.");
    },
  });
}
