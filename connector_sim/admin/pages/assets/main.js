// Signs in, then shows the menu and the view that the address names.

import { get, SessionOver, SUBACCOUNTS } from "./api.js";
import { accessControl } from "./access_control.js";
import { alerting } from "./alerting.js";
import { audits } from "./audits.js";
import { connector } from "./connector.js";
import { ask } from "./dialog.js";
import { html, redraw, replace } from "./dom.js";
import { changePassword, passwordChanged, passwordFields, signedIn, signOut, whoAmI } from "./gate.js";
import { highAvailability } from "./high_availability.js";
import { logs } from "./logs.js";
import { monitor } from "./monitor.js";
import { onPremises } from "./on_premises.js";
import { subaccountOverview } from "./subaccount.js";
import { userInterface } from "./user_interface.js";
import { users } from "./users.js";
import { button, Views } from "./views.js";

const FIRST = "#/connector";
const ONE = "^#/subaccount/(?<region>[^/]+)/(?<subaccount>[^/]+)";
const at = (id) => document.getElementById(id);

const state = { who: null, subaccounts: [], chosen: null };

// What a view gets beside what its address says.
const session = {
  may: (right) => state.who.rights.includes(right),
  who: () => state.who,
  act: (begun, act) => views.act(begun, act),
  changed: (words) => refresh().then(() => views.tell(words)),
};

const withSession = (view) => (named) => view({ ...session, ...named });

const views = new Views(at("main"), at("told"), (error) => shown(error), [
  [/^#\/connector$/, withSession(connector)],
  [/^#\/configuration\/on-premises$/, withSession(onPremises)],
  [/^#\/configuration\/user-interface$/, withSession(userInterface)],
  [/^#\/high-availability$/, withSession(highAvailability)],
  [/^#\/alerting$/, withSession(alerting)],
  [/^#\/users$/, withSession(users)],
  [new RegExp(`${ONE}$`), withSession(subaccountOverview)],
  [new RegExp(`${ONE}/access-control$`), withSession(accessControl)],
  [new RegExp(`${ONE}/monitor$`), withSession(monitor)],
  [new RegExp(`${ONE}/audits$`), withSession(audits)],
  [new RegExp(`${ONE}/logs$`), withSession(logs)],
]);

const shown = (error) => (error instanceof SessionOver ? start(error.message) : views.tell(error.message));

async function refresh({ focus = false } = {}) {
  state.subaccounts = await get(SUBACCOUNTS);
  const named = new RegExp(ONE).exec(location.hash)?.groups;
  const is = (each) => each.regionHost === decodeURIComponent(named.region) && each.subaccount === decodeURIComponent(named.subaccount);
  if (named) state.chosen = state.subaccounts.find(is);
  if (!state.subaccounts.includes(state.chosen)) state.chosen = same(state.chosen) ?? state.subaccounts[0];
  redraw(at("menu"), menu);
  if (!(await views.show({ focus }))) location.hash = FIRST;
}

const same = (chosen) => state.subaccounts.find((each) => each.regionHost === chosen?.regionHost && each.subaccount === chosen?.subaccount);

function menu() {
  const link = (hash, words) => html("a", { href: hash, "data-id": hash, "aria-current": isAt(hash) ? "page" : null }, words);
  const base = state.chosen && baseOf(state.chosen);
  return [
    html("p", { class: "menu-title" }, "Connector"),
    link(FIRST, "Connector"),
    link("#/configuration/on-premises", "Configuration"),
    session.may("monitoring") ? link("#/alerting", "Alerting") : "",
    link("#/high-availability", "High Availability"),
    link("#/users", "Users"),
    html("p", { class: "menu-title" }, "Subaccount"),
    ...(state.chosen ? ofSubaccount(base, link) : [html("p", { class: "empty" }, "None was added yet.")]),
  ].filter(Boolean);
}

function ofSubaccount(base, link) {
  const option = (each) => html("option", { value: baseOf(each), selected: baseOf(each) === base ? "" : null }, each.subaccount);
  const chosen = html("select", { "aria-label": "Select Subaccount", "data-id": "subaccount" }, state.subaccounts.map(option));
  chosen.addEventListener("change", () => (location.hash = chosen.value));
  return [
    chosen,
    link(base, "Overview"),
    link(`${base}/access-control`, "Cloud To On-Premises"),
    session.may("monitoring") ? link(`${base}/monitor`, "Monitor") : "",
    link(`${base}/audits`, "Audits"),
    link(`${base}/logs`, "Log And Trace Files"),
  ];
}

const baseOf = (each) => `#/subaccount/${encodeURIComponent(each.regionHost)}/${encodeURIComponent(each.subaccount)}`;
const isAt = (hash) => location.hash === hash || (hash.includes("/configuration/") && location.hash.startsWith("#/configuration/"));

function showBar(is) {
  for (const id of ["menu", "menu-button", "who", "own-acts"]) at(id).hidden = !is;
  if (!is) return;
  replace(at("who"), html("strong", {}, state.who.user), ` ${state.who.roles.join(", ")}`);
  replace(
    at("own-acts"),
    button("Refresh", () => refresh().catch(shown)),
    session.may("administrator") ? button("Change password", () => ask({ title: "Change password", fields: passwordFields(state.who.user), act: changePassword })) : "",
    button("Sign out", async () => {
      await signOut();
      await start();
    }),
  );
}

async function start(told) {
  showBar(false);
  views.tell("");
  state.who = told === undefined ? await whoAmI() : { user: null };
  if (!state.who.user) state.who = await signedIn(at("main"), told);
  else if (state.who.mustChangePassword) state.who = await passwordChanged(at("main"), state.who);
  showBar(true);
  await refresh({ focus: true });
}

at("menu-button").addEventListener("click", () => openMenu(!at("menu").classList.contains("open")));

function openMenu(is) {
  at("menu").classList.toggle("open", is);
  at("menu-button").setAttribute("aria-expanded", is);
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the fragment names the view
  at("main").focus();
});
window.addEventListener("hashchange", () => {
  if (!state.who?.user) return;
  openMenu(false);
  views.tell("");
  refresh({ focus: true }).catch(shown);
});
window.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  shown(event.reason);
});

start().catch(shown);
