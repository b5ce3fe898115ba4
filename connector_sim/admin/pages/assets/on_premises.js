// Configuration > On Premises: the system certificate and the back-end trust store.

import { CONNECTOR } from "./api.js";
import { html } from "./dom.js";
import { ownCertificate } from "./own_certificate.js";
import { trustStore } from "./trust_store.js";
import { head } from "./views.js";

const SYSTEM = {
  title: "System Certificate",
  path: `${CONNECTOR}/onPremises/systemCertificate`,
  lead: "What the connector shows of itself where a back end asks for a client certificate.",
  fileName: "system_certificate.der",
  canBeDeleted: true,
};

export async function onPremises(session) {
  return [head("Configuration"), tabs("on-premises"), await trustStore(session), await ownCertificate(session, SYSTEM)];
}

export function tabs(current) {
  const tab = (name, words) => html("a", { href: `#/configuration/${name}`, "data-id": `tab-${name}`, "aria-current": name === current ? "page" : null }, words);
  return html("nav", { class: "tabs", "aria-label": "Configuration" }, tab("on-premises", "On Premises"), tab("user-interface", "User Interface"));
}
