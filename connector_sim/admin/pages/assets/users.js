// Who may sign in, and what the six roles may do.

import { get } from "./api.js";
import { html, table } from "./dom.js";
import { card, head } from "./views.js";

const ROLES = [
  ["sccadmin", "Administrator", "everything"],
  ["sccassocadmin", "Associate Administrator", "subaccounts, mappings, trust store and certificates"],
  ["sccsubadmin", "Subaccount Administrator", "subaccounts and mappings"],
  ["sccsupport", "Support", "reads, and sets log and trace levels"],
  ["sccdisplay", "Display", "reads"],
  ["sccmonitoring", "Monitoring", "reads, and the monitoring"],
];

export async function users(session) {
  const own = session.who();
  const listed = session.may("administrator") ? (await get("/maco-lab/users")).users : [own];
  return [
    head("Users", "Administrator is the connector's own user. Further ones are listed in the lab file; the product has them from LDAP."),
    card(
      session.may("administrator") ? "Users" : "You",
      [],
      table(["User", "Roles"], listed.map((each) => [html("strong", {}, each.user), each.roles.map(worded).join(", ")])),
    ),
    card("Roles", [], table(["Role", "Name", "May"], ROLES.map(([role, name, may]) => [html("span", { class: "mono" }, role), name, may]))),
  ];
}

const worded = (role) => ROLES.find(([each]) => each === role)?.[1] ?? role;
