// The key store: whom MaCo trusts where it does TLS itself.

import { call, get, named } from "./api.js";
import { ask, confirm } from "./dialog.js";
import { html, icon, mark, mono, table } from "./dom.js";
import { saveAs } from "./saving.js";
import { commonName, onDay, spaced } from "./shown.js";
import { button, card, head, signButton } from "./views.js";

const PATH = "/api/keystore";

export async function keyStore(session) {
  const { entries } = await get(PATH);
  return [
    head("Key Store", "Way A needs the root of the mail server's CA here: MaCo does TLS with the mail server itself. Way B needs nothing here."),
    card(
      `Certificates (${entries.length})`,
      [button("Import certificate", () => importCertificates(session), { kind: "primary" })],
      entries.length
        ? table(["Status", "Alias", "Certificate", "Actions"], entries.map((each) => row(session, each)))
        : html("p", { class: "notice clear" }, icon("unlock"), html("span", {}, "Empty: MaCo trusts no mail server, and STARTTLS cannot work.")),
    ),
  ];
}

function row(session, each) {
  const { subject, issuer, not_after: notAfter, sha256 } = each.certificate;
  return [
    expiry(each, notAfter),
    html("strong", {}, each.alias),
    html(
      "span",
      {},
      html("strong", {}, commonName(subject)),
      html("span", { class: "under" }, spaced(subject)),
      html("span", { class: "under" }, issuer === subject ? "issued by itself: a root" : `issued by ${spaced(issuer)}`),
      html("span", { class: "under" }, "SHA-256 ", mono(sha256)),
      each.warnings.map((words) => html("span", { class: "under" }, mark("clear", words))),
    ),
    html(
      "div",
      { class: "acts" },
      signButton("down", "Download", async () => saveAs(`${each.alias}.pem`, await call("GET", `${named(PATH, each.alias)}/pem`)), { of: each.alias }),
      signButton("bin", "Delete", () => remove(session, each), { of: each.alias }),
    ),
  ];
}

function expiry({ expired, days_left: left }, notAfter) {
  if (expired) return mark("failed", `expired on ${onDay(Date.parse(notAfter))}`);
  return mark(left < 30 ? "clear" : "good", left < 30 ? `expires in ${left} days` : `until ${onDay(Date.parse(notAfter))}`);
}

function importCertificates(session) {
  ask({
    title: "Import certificate",
    lead: "PEM or DER. Several of one PEM file get the alias with a number: root, root-2, …",
    submit: "Import",
    fields: [
      { name: "alias", label: "Alias", required: true },
      { name: "file", label: "Certificate file", type: "file", required: true, attributes: { accept: ".pem,.crt,.cer,.der" } },
    ],
    act: async ({ alias, file: [file] }) => {
      await call("POST", `${PATH}?alias=${encodeURIComponent(alias)}`, file);
      await session.changed("Trusted from the next poll on.");
    },
  });
}

function remove(session, { alias }) {
  confirm({
    title: `Delete ${alias}?`,
    lead: "MaCo trusts it no longer, from the next poll on.",
    submit: "Delete",
    act: async () => {
      await call("DELETE", named(PATH, alias));
      await session.changed("The certificate is deleted.");
    },
  });
}
