// The check whether an internal host can be reached: its result in a word, and everything that it found.

import { call, get, getIfAny } from "./api.js";
import { facts, html, mark, mono, table } from "./dom.js";
import { isCarried, nameOf } from "./mapping_words.js";
import { at, commonName, spaced, validity } from "./shown.js";

const KINDS = { Reachable: "good", Warning: "clear", Unchecked: "open" };

const ofLab = ({ region, subaccount }) => `/maco-lab/subaccounts/${encodeURIComponent(region)}/${encodeURIComponent(subaccount)}`;
const ofMapping = (session, mapping) => `${ofLab(session)}/systemMappings/${encodeURIComponent(nameOf(mapping))}/check`;

// The last result of each mapping, by its virtual host and port.
export async function lastResults(session) {
  const listed = (await getIfAny(`${ofLab(session)}/checks`)) ?? [];
  return new Map(listed.map((each) => [each.virtual, each]));
}

// What the table shows of a mapping's result.
export function resultOf(mapping, check) {
  if (!isCarried(mapping)) return "";
  if (!check) return mark("open", "Unchecked");
  return html("span", {}, mark(KINDS[check.result], check.result), check.result === "Warning" ? html("span", { class: "under" }, check.message) : null);
}

export const checkNow = async (session, mapping) => (await call("POST", ofMapping(session, mapping))).json();

export const lastCheck = (session, mapping) => get(ofMapping(session, mapping));

// Everything that a check found.
export function checkDetails(check) {
  return html(
    "div",
    { class: "check" },
    html("p", { class: "verdict" }, mark(KINDS[check.result], check.result)),
    html("p", {}, check.message),
    facts([["Checked", at(check.checkedTimeStamp)]]),
    check.ports.map((each) => (each.tls ? tlsDetails(each, check.ports.length > 1) : null)),
  );
}

function tlsDetails({ port, tls }, several) {
  return html(
    "div",
    {},
    several ? html("h4", {}, `Port ${port}`) : null,
    facts([
      ["TLS", tls.version ? `${tls.version}, ${tls.cipher}` : ""],
      ["Name sent", tls.serverName],
      ["Name check", tls.nameChecked ? "on" : "off: the connector compares no names"],
      ["Vouched by", tls.trustsAll ? mark("clear", "nobody: every back end is trusted") : tls.anchor ? commonName(tls.anchor) : ""],
      ["Client certificate", clientCertificate(tls.clientCertificate)],
      ["Error", tls.error],
    ]),
    tls.chain.length ? html("h4", {}, "Certificates that the server sent") : null,
    tls.chain.length ? table(["Role", "Certificate", "Status", "In the trust store"], tls.chain.map(certificate)) : null,
    tls.missing.length ? html("h4", {}, "Missing in the Backend Trust Store: one of these") : null,
    tls.missing.length ? html("ul", { class: "missing" }, tls.missing.map(missing)) : null,
  );
}

function clientCertificate({ asked, offered }) {
  if (!asked) return "not asked for";
  return offered ? "asked for, and the system certificate was offered" : mark("clear", "asked for, and there is no system certificate");
}

const certificate = (each) => [
  each.role,
  html("span", {}, html("strong", {}, commonName(each.subjectDN)), html("span", { class: "under" }, `issued by ${commonName(each.issuer)}`)),
  validity(each.notAfterTimeStamp),
  each.inStore ? mark("good", "yes") : "no",
];

const missing = (each) => html("li", {}, html("strong", {}, each.role), ` ${spaced(each.subjectDN)}`, each.wasSent ? "" : ", which the server did not send");
