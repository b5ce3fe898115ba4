// Monitor (Cloud to On-Premises): bytes by virtual system, and what is open now.

import { get } from "./api.js";
import { html, mono, table } from "./dom.js";
import { PROTOCOLS, wordOf } from "./mapping_words.js";
import { at, bytes } from "./shown.js";
import { card, head } from "./views.js";

export async function monitor(session) {
  const [usage, open] = await Promise.all([get("/api/monitoring/usage"), get("/api/monitoring/connections/backends")]);
  const { usageStatistics, sinceTime } = mine(session, usage);
  const { backendConnections } = mine(session, open);
  return [
    head("Monitor (Cloud to On-Premises)", "For TCP the product counts bytes and no calls."),
    card(
      "Usage Statistics",
      [],
      html("p", {}, `Since ${at(Date.parse(sinceTime.replace(" ", "")))}.`),
      usageStatistics.length
        ? table(["Virtual Host", "Protocol", "Bytes Received", "Bytes Sent", "Most Recent Access"], usageStatistics.map(used))
        : html("p", { class: "empty" }, "Nothing was called yet."),
    ),
    card(
      "Back-end Connections",
      [],
      backendConnections.length
        ? table(["Virtual Host", "Internal Host", "Protocol", "Active", "Idle"], backendConnections.map(connected))
        : html("p", { class: "empty" }, "None is open. TCP connections are never pooled."),
    ),
  ];
}

const mine = (session, { subaccounts }) => subaccounts.find((each) => each.regionHost === session.region && each.subaccount === session.subaccount);

const used = (each) => [
  mono(`${each.virtualHost}:${each.virtualPort}`),
  wordOf(PROTOCOLS, each.protocol),
  bytes(each.bytesReceived),
  bytes(each.bytesSent),
  at(each.mostRecentAccess),
];

const connected = (each) => [mono(each.virtualBackend), mono(each.internalBackend), wordOf(PROTOCOLS, each.protocol), String(each.active), String(each.idle)];
