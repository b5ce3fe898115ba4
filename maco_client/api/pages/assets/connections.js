// Configure Email Connection: how mail is read from an e-mail server.

import { call, get, named } from "./api.js";
import { addConnection, editConnection } from "./connection_dialogs.js";
import { confirm } from "./dialog.js";
import { html, mark, table } from "./dom.js";
import { lastPoll, pollNow } from "./polling.js";
import { testConnection } from "./tests.js";
import { button, card, head, signButton } from "./views.js";

const PATH = "/api/connections";

export async function connections(session) {
  const [{ connections: listed }, { servers }, { credentials }] = await Promise.all([get(PATH), get("/api/servers"), get("/api/credentials")]);
  const known = { servers, credentials };
  const lacks = !servers.length ? "Add an e-mail server first." : !credentials.length ? "Add a credential first." : "";
  return [
    head("Email Connections", "Configure Email Connection: protection, login and folder. Each is polled by its schedule, and when you say so."),
    card(
      `Email Connections (${listed.length})`,
      [lacks ? null : button("Add email connection", () => addConnection(session, known), { kind: "primary" })],
      lacks ? html("p", { class: "empty" }, lacks) : null,
      listed.length
        ? table(["Name", "Email Server", "Protocol", "Protection", "Credential", "Folder", "Newest Poll", "Actions"], listed.map((each) => row(session, known, each)))
        : html("p", { class: "empty" }, "There is none yet."),
    ),
  ];
}

function row(session, known, each) {
  return [
    html("span", {}, html("strong", {}, each.name), each.warnings.map((words) => html("span", { class: "under" }, mark("clear", words)))),
    each.server,
    each.transport_protocol,
    each.protection,
    each.credential,
    html("span", {}, each.folder, html("span", { class: "under" }, [each.selection, each.post_processing].filter(Boolean).join(", "))),
    lastPoll(each),
    html(
      "div",
      { class: "acts" },
      each.transport_protocol === "IMAP4" ? signButton("pulse", "Test", () => testConnection(each, known.servers.find(({ name }) => name === each.server)), { of: each.name }) : null,
      signButton("down", "Poll now", () => pollNow(session, [each.name]), { of: each.name }),
      signButton("pencil", "Edit", () => editConnection(session, known, each), { of: each.name }),
      signButton("bin", "Delete", () => remove(session, each), { of: each.name }),
    ),
  ];
}

function remove(session, { name }) {
  confirm({
    title: `Delete ${name}?`,
    lead: "Its mails stay in the inbox.",
    submit: "Delete",
    act: async () => {
      await call("DELETE", named(PATH, name));
      await session.changed("The e-mail connection is deleted.");
    },
  });
}
