// One subaccount: what it is, its tunnel and its certificate.

import { get, ofSubaccount } from "./api.js";
import { facts, html, mono } from "./dom.js";
import { at, spaced, validity } from "./shown.js";
import { deleteSubaccount, editSubaccount, renewals } from "./subaccount_dialogs.js";
import { switchTunnel, tunnelState } from "./tunnel.js";
import { button, card, head } from "./views.js";

export async function subaccountOverview(session) {
  const each = await get(ofSubaccount(session));
  const mappings = await get(`${ofSubaccount(session)}/systemMappings`);
  const may = session.may("subaccounts");
  const { tunnel } = each;
  return [
    head(
      `Subaccount ${each.displayName}`,
      each.description,
      ...(may
        ? [
            switchTunnel(session, each),
            button("Edit", () => editSubaccount(session, each)),
            ...renewals(session, each),
            button("Delete", () => deleteSubaccount(session, each)),
          ]
        : []),
    ),
    html(
      "div",
      { class: "pair-of-cards" },
      card(
        "Subaccount Overview",
        [],
        facts([
          ["Region Host", mono(each.regionHost)],
          ["Subaccount", mono(each.subaccount)],
          ["Display Name", each.displayName],
          ["Location ID", each.locationID ? mono(each.locationID) : "none: the default location"],
          ["Initiated By", tunnel.user],
          ["Auto Renewal", each.autoCertRenewal ? "on" : "off"],
          ["Managed", each.isManaged ? "yes: only an Administrator may change it" : "no"],
        ]),
      ),
      card(
        "Tunnel Information",
        [],
        facts([
          ["Status", tunnelState(tunnel)],
          ["Tunnel ID", mono(`account:///${each.subaccount}`)],
          ["Connections", String(tunnel.connections)],
          ["Exposed", mappings.length ? `${mappings.length} virtual system${mappings.length === 1 ? "" : "s"}` : "nothing yet: add a mapping under Cloud To On-Premises"],
        ]),
      ),
    ),
    certificate(tunnel.subaccountCertificate),
  ];
}

function certificate(each) {
  return card(
    "Subaccount Certificate",
    [],
    facts([
      ["Status", validity(each.notAfterTimeStamp)],
      ["Subject DN", spaced(each.subjectDN)],
      ["Issuer", spaced(each.issuer)],
      ["Valid From", at(each.notBeforeTimeStamp)],
      ["Valid To", at(each.notAfterTimeStamp)],
      ["Serial Number", mono(each.serialNumber)],
    ]),
  );
}
