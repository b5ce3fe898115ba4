// Alerts, and the certificates that they come of.

import { get } from "./api.js";
import { html, mark, table } from "./dom.js";
import { at, onDay, spaced } from "./shown.js";
import { card, head } from "./views.js";

const JUDGED = [
  ["expired", "failed", "expired"],
  ["expiring", "clear", "expires soon"],
  ["ok", "good", "valid"],
];

export async function alerting() {
  const [{ alerts }, certificates] = await Promise.all([get("/api/monitoring/alerts"), get("/api/monitoring/certificates")]);
  const rows = JUDGED.flatMap(([name, kind, words]) => certificates[name].map((each) => [mark(kind, words), each.type, whose(each), onDay(each.validTo)]));
  return [
    head("Alerting", "The simulation watches certificates. Entries of the back-end trust store raise no alert, as in the product."),
    card(
      `Alert Messages (${alerts.length})`,
      [],
      alerts.length
        ? table(["Status", "Date", "Alert Message", "Origin"], alerts.map((each) => [mark("clear", each.status), at(each.timestamp), each.message, each.origin]))
        : html("p", { class: "empty" }, mark("good", "There are none.")),
    ),
    card("Watched Certificates", [], table(["Status", "Type", "Whose", "Valid To"], rows)),
  ];
}

const whose = (each) => (each.subjectDN ? spaced(each.subjectDN) : `${each.subaccountName}@${each.subaccountRegion}`);
