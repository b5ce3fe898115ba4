// The connector itself, and the dashboard of its subaccounts.

import { call, CONNECTOR, get, getIfAny, ofSubaccount } from "./api.js";
import { ask } from "./dialog.js";
import { facts, html, mark, mono, table } from "./dom.js";
import { addByAuthenticationData, addSubaccount, deleteSubaccount, editSubaccount } from "./subaccount_dialogs.js";
import { switchTunnel, tunnelState } from "./tunnel.js";
import { button, card, head, signButton } from "./views.js";

const FILTERS = ["All", "Connected", "Disconnected", "ConnectFailure"];
const FILTER_WORDS = { ConnectFailure: "Failed" };
let filter = "All";

export async function connector(session) {
  const [own, { version }, authentication, trust, system, listed, master] = await Promise.all([
    get(CONNECTOR),
    get("/api/v1/connector/version"),
    get(`${CONNECTOR}/authentication`),
    get(`${CONNECTOR}/onPremises/truststore`),
    getIfAny(`${CONNECTOR}/onPremises/systemCertificate`),
    get("/api/v1/configuration/subaccounts"),
    getIfMaster(),
  ]);
  const subaccounts = await Promise.all(listed.map(({ regionHost, subaccount }) => get(ofSubaccount({ region: regionHost, subaccount }))));
  return [
    head(
      "Connector",
      "One installed Cloud Connector: it dials out to the cloud for each subaccount, and lets in only what is mapped.",
      session.may("subaccounts") ? button("Add by Authentication Data", () => addByAuthenticationData(session)) : null,
      session.may("subaccounts") ? button("Add Subaccount", () => addSubaccount(session), { kind: "primary" }) : null,
    ),
    card(
      "Connector Overview",
      [session.may("connector") ? button("Edit description", () => editDescription(session, own)) : null],
      facts([
        ["Description", own.description || "none"],
        ["Version", html("span", {}, mono(version), " answered by the simulation")],
        ["Address", mono(location.host)],
        ["High Availability", master ? `${own.ha.role}, ${master.state}` : own.ha.role],
        ["Authentication", authentication.type],
        ["Backend Trust Store", trustWords(trust)],
        ["System Certificate", system ? mark("good", "is there") : mark("open", "none")],
      ]),
    ),
    card("Subaccount Dashboard", [], dashboard(session, subaccounts)),
  ];
}

// The master's state; null on a shadow, which refuses to tell one.
async function getIfMaster() {
  const { ha } = await get(CONNECTOR);
  return ha.role === "master" ? get(`${CONNECTOR}/ha/master/state`) : null;
}

function trustWords({ trustAllBackends, trustedBackends }) {
  if (trustAllBackends) return mark("clear", "trusts every back end");
  if (!trustedBackends.length) return mark("clear", "empty: no back end is trusted");
  return mark("good", `${trustedBackends.length} certificate${trustedBackends.length === 1 ? "" : "s"} in the allowlist`);
}

function dashboard(session, subaccounts) {
  if (!subaccounts.length) return html("p", { class: "empty" }, "No subaccount was added yet. Without one there is no tunnel.");
  const shown = subaccounts.filter((each) => filter === "All" || each.tunnel.state === filter);
  const choose = (each) =>
    html(
      "button",
      {
        type: "button",
        "data-id": `filter-${each}`,
        "aria-pressed": String(filter === each),
        click: () => {
          filter = each;
          session.changed("");
        },
      },
      FILTER_WORDS[each] ?? each,
    );
  return html(
    "div",
    {},
    html("div", { class: "filters", role: "group", "aria-label": "Filter by status" }, FILTERS.map(choose)),
    shown.length
      ? table(["Status", "Subaccount", "Display Name", "Location ID", "Region", "Actions"], shown.map((each) => row(session, each)))
      : html("p", { class: "empty" }, "None has this status."),
  );
}

function row(session, each) {
  const link = html("a", { href: `#/subaccount/${encodeURIComponent(each.regionHost)}/${encodeURIComponent(each.subaccount)}` }, each.subaccount);
  return [tunnelState(each.tunnel), link, each.displayName, each.locationID, mono(each.regionHost), acts(session, each)];
}

function acts(session, each) {
  if (!session.may("subaccounts")) return "";
  return html(
    "div",
    { class: "acts" },
    switchTunnel(session, each),
    signButton("pencil", "Edit", () => editSubaccount(session, each), { of: each.subaccount }),
    signButton("bin", "Delete", () => deleteSubaccount(session, each), { of: each.subaccount }),
  );
}

function editDescription(session, own) {
  ask({
    title: "Edit description",
    fields: [{ name: "description", label: "Description", value: own.description }],
    act: async ({ description }) => {
      await call("PUT", CONNECTOR, { description });
      await session.changed("The description is saved.");
    },
  });
}
