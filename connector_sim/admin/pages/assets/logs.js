// Log And Trace Files: how much is traced.

import { CONNECTOR, get } from "./api.js";
import { facts } from "./dom.js";
import { logFiles } from "./log_files.js";
import { settingsButton } from "./settings_dialog.js";
import { card, head } from "./views.js";

const LEVELS = ["OFF", "ERROR", "WARN", "INFO", "DEBUG", "TRACE", "ALL"].map((each) => [each, each]);

export async function logs(session) {
  const own = `${CONNECTOR}/logAndTrace`;
  const ofOne = `${own}/subaccounts/${encodeURIComponent(session.region)}/${encodeURIComponent(session.subaccount)}`;
  const [all, one] = await Promise.all([get(own), get(ofOne)]);
  const may = session.may("logs");
  const level = (name, label) => ({ name, label, type: "select", options: LEVELS, value: all[name] });
  return [
    head("Log And Trace Files", "What the connector writes of its own work."),
    card(
      "Settings",
      may
        ? [
            settingsButton(session, {
              words: "Edit levels",
              title: "Log And Trace Settings",
              path: own,
              fields: [
                level("sccLogLevel", "Cloud Connector Trace Level"),
                level("otherLogLevel", "Other Components Trace Level"),
                { name: "tlsTrace", label: "TLS Trace", type: "checkbox", value: all.tlsTrace },
                { name: "cleanup", label: "Automatic Cleanup", type: "number", value: String(all.cleanup), hint: "Days; 0 is never.", attributes: { min: 0 } },
              ],
            }),
            settingsButton(session, {
              words: "Edit traffic trace",
              title: "Tunnel Traffic Trace",
              path: ofOne,
              fields: [{ name: "trafficTrace", label: "Tunnel Traffic Trace", type: "checkbox", value: one.trafficTrace, hint: "Everything that passes through the tunnels of this subaccount." }],
            }),
          ]
        : [],
      facts([
        ["Cloud Connector Trace Level", all.sccLogLevel],
        ["Other Components Trace Level", all.otherLogLevel],
        ["TLS Trace", all.tlsTrace ? "on" : "off"],
        ["Tunnel Traffic Trace", one.trafficTrace ? "on" : "off"],
        ["Automatic Cleanup", all.cleanup ? `after ${all.cleanup} days` : "Never"],
        ["Rollover Threshold", all.rolloverThreshold],
        ["Location", all.logAndTracePath],
      ]),
    ),
    await logFiles(session),
  ];
}
