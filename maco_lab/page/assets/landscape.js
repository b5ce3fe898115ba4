// Systems with their addresses, and tunnels with their mappings.

import { facts, html, mark, mono, replace, table } from "./dom.js";
import { clock } from "./words.js";

export function showSystems(parent, landscape) {
  replace(parent, ...landscape.systems.map(system));
}

function system(each) {
  const listeners = each.listeners.map((listener) => [listener.protocol, mono(listener.address)]);
  return html(
    "article",
    { class: "card store" },
    html("h3", {}, each.name),
    html("p", {}, each.role),
    listeners.length ? html("div", { class: "certificate" }, facts(listeners, "facts listeners")) : html("p", {}, "Listens for nobody else: it dials."),
    each.pages ? html("p", { class: "pages" }, html("a", { href: each.pages }, "Administer it")) : null,
  );
}

export function showTunnels(parent, { tunnels }) {
  replace(parent, ...(tunnels.length ? tunnels.map(tunnel) : [html("p", { class: "empty" }, "No Cloud Connector is defined.")]));
}

function tunnel(each) {
  return html(
    "article",
    { class: "card tunnel" },
    html(
      "div",
      { class: "tunnel-head" },
      html("h3", {}, `Cloud Connector ${each.cloud_connector}, subaccount ${each.subaccount}`),
      each.role ? html("span", { class: "muted" }, `${each.role}, ${each.role_state}`) : null,
      html("span", { class: "muted" }, each.location_id ? `location ID ${each.location_id}` : "no location ID"),
      html("span", { class: "state" }, state(each)),
    ),
    table(
      ["Virtual host", "Internal host", "Protocol", "Description"],
      each.mappings.map((row) => [mono(row.virtual), mono(row.internal), row.protocol === "TCPS" ? "TCP TLS" : row.protocol, row.description]),
    ),
  );
}

function state(each) {
  if (each.state === "Connected") return mark("good", `connected since ${clock(each.changed_at)}`);
  if (!each.state && each.role === "shadow") return mark("open", "no tunnel: it waits to take over");
  if (!each.state) return mark("open", "not tried yet");
  return mark("failed", each.reason ? `${each.state}: ${each.reason}` : each.state);
}
