// The back-end trust store: whose certificates the connector takes in TLS with back ends.

import { call, CONNECTOR, form, get } from "./api.js";
import { ask, confirm } from "./dialog.js";
import { html, icon, mono, table } from "./dom.js";
import { saveAs } from "./saving.js";
import { commonName, spaced, validity } from "./shown.js";
import { button, card, once, signButton } from "./views.js";

const PATH = `${CONNECTOR}/onPremises/truststore`;
const CERTIFICATES = `${PATH}/certificates`;

export async function trustStore(session) {
  const { trustAllBackends, trustedBackends } = await get(PATH);
  const may = session.may("connector");
  return card(
    "Backend Trust Store",
    [
      may ? button("Upload certificates", () => upload(session), { kind: "primary" }) : null,
      trustedBackends.length ? button("Download all", async () => saveAs("backend_trust_store.pem", await call("GET", CERTIFICATES))) : null,
    ],
    html("p", {}, "Used for TCP TLS: a back end is trusted if its chain holds one of these certificates. A TCP mapping does not use it."),
    trustSwitch(session, trustAllBackends, may),
    banner(trustAllBackends, trustedBackends),
    trustedBackends.length ? html("div", {}, html("h4", {}, "Allowlist"), list(session, trustedBackends, may)) : null,
  );
}

function trustSwitch(session, trustAllBackends, may) {
  const change = () =>
    trustAllBackends
      ? session.act("Saving …", () => call("PATCH", PATH, { trustAllBackends: false }).then(() => "Only the allowlist counts from the next handshake on."))
      : trustAll(session);
  return html(
    "button",
    {
      type: "button",
      role: "switch",
      class: "switch",
      "data-id": "trust-switch",
      "aria-checked": String(!trustAllBackends),
      "aria-disabled": may ? null : "true",
      click: once(may ? change : () => {}),
    },
    html("span", { class: "knob", "aria-hidden": "true" }),
    "Determining Trust Through Allowlist",
  );
}

function trustAll(session) {
  confirm({
    title: "Trust all back ends?",
    lead: "Any certificate is taken then, also that of somebody who stands between the connector and the mail server. The allowlist is kept and not used.",
    submit: "Trust all",
    act: async () => {
      await call("PATCH", PATH, { trustAllBackends: true });
      await session.changed("Every back end is trusted from the next handshake on.");
    },
  });
}

function banner(trustAllBackends, trustedBackends) {
  if (trustAllBackends) return notice("failed", "unlock", "All back ends are trusted, whoever they are: nobody's certificate is verified.");
  if (!trustedBackends.length) return notice("clear", "unlock", "The allowlist is empty: no back end is trusted, and TCP TLS cannot work.");
  return null;
}

const notice = (kind, sign, words) => html("p", { class: `notice ${kind}` }, icon(sign), html("span", {}, words));

function list(session, trustedBackends, may) {
  const row = (each) => [
    validity(each.notAfterTimeStamp),
    html(
      "span",
      {},
      html("strong", {}, commonName(each.subjectDN)),
      html("span", { class: "under" }, spaced(each.subjectDN)),
      html("span", { class: "under" }, each.issuer === each.subjectDN ? "issued by itself: a root" : `issued by ${spaced(each.issuer)}`),
      html("span", { class: "under" }, mono(each.alias)),
    ),
    html(
      "div",
      { class: "acts" },
      signButton("down", "Download", async () => saveAs(`${each.alias}.der`, await call("GET", one(each))), { of: each.alias }),
      may ? signButton("bin", "Delete", () => remove(session, each), { of: each.alias }) : null,
    ),
  ];
  return table(["Status", "X.509 Certificate", "Actions"], trustedBackends.map(row));
}

const one = (each) => `${CERTIFICATES}/${encodeURIComponent(each.alias)}`;

function remove(session, each) {
  confirm({
    title: `Delete ${commonName(each.subjectDN)}?`,
    lead: "Back ends whose chain holds nothing else of the list are refused from the next handshake on.",
    submit: "Delete",
    act: async () => {
      await call("DELETE", one(each));
      await session.changed("The certificate is deleted.");
    },
  });
}

function upload(session) {
  ask({
    title: "Upload certificates",
    lead: "The root of the mail server's CA, and its intermediates too if the server does not send them. PEM or DER, one file or several.",
    submit: "Upload",
    fields: [{ name: "certificates", label: "X.509 Certificates", type: "file", required: true, attributes: { multiple: "", accept: ".pem,.crt,.cer,.der" } }],
    act: async ({ certificates }) => {
      await call("POST", CERTIFICATES, form({ certificates }));
      await session.changed("Trusted from the next handshake on.");
    },
  });
}
