// Audits: what is written down, and for how long.

import { CONNECTOR, get } from "./api.js";
import { auditViewer, noAuditLog } from "./audit_viewer.js";
import { facts } from "./dom.js";
import { settingsButton } from "./settings_dialog.js";
import { card, head } from "./views.js";

const LEVELS = [
  ["OFF", "Off"],
  ["SECURITY", "Security: changes of the configuration, and denied accesses"],
  ["ALL", "All: allowed accesses too"],
];
const CLEANUP = [["0", "Never"], ...["14", "30", "90", "180", "365"].map((days) => [days, `after ${days} days`])];

export async function audits(session) {
  const own = `${CONNECTOR}/auditLog`;
  const ofOne = `${own}/subaccounts/${encodeURIComponent(session.region)}/${encodeURIComponent(session.subaccount)}`;
  const [all, one] = await Promise.all([get(own), get(ofOne)]);
  const may = session.may("administrator");
  const level = (value) => ({ name: "level", label: "Audit Level", type: "select", options: LEVELS, value });
  return [
    head("Audits", "Who changed what, and who was let in or refused."),
    card(
      "Settings",
      may
        ? [
            settingsButton(session, { words: "Edit subaccount level", title: "Subaccount Audit Level", path: ofOne, fields: [level(one.level)] }),
            settingsButton(session, {
              words: "Edit cross-subaccount level",
              title: "Cross-Subaccount Audit Level",
              path: own,
              fields: [level(all.level), { name: "cleanup", label: "Automatic Cleanup", type: "select", options: CLEANUP, value: String(all.cleanup) }],
            }),
          ]
        : [],
      facts([
        ["Subaccount Audit Level", one.level],
        ["Cross-Subaccount Audit Level", all.level],
        ["Automatic Cleanup", CLEANUP.find(([days]) => days === String(all.cleanup))?.[1]],
        ["Location", all.logPath],
      ]),
    ),
    session.may("logs") ? await auditViewer(session) : noAuditLog(),
  ];
}
