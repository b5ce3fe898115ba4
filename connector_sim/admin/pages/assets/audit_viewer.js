// The audit log: searched, and checked for lines that somebody changed or took away.

import { call, get } from "./api.js";
import { html, mark, mono, table } from "./dom.js";
import { field, filledIn } from "./form.js";
import { saveAs } from "./saving.js";
import { card, once } from "./views.js";

const SHOWN = 100;
const SCOPES = [["subaccount", "this subaccount"], ["cross", "across subaccounts"]];

const searched = { scope: "subaccount", pattern: "" };

const pathOf = ({ region, subaccount }) =>
  searched.scope === "cross" ? "/maco-lab/auditLog" : `/maco-lab/subaccounts/${encodeURIComponent(region)}/${encodeURIComponent(subaccount)}/auditLog`;

export async function auditViewer(session) {
  const selection = searched.pattern ? { pattern: `*${searched.pattern}*` } : {};
  const entries = await get(`${pathOf(session)}?${new URLSearchParams({ limit: SHOWN, ...selection })}`);
  const download = async () => saveAs(`audit-log_${searched.scope}.tar.gz`, await call("GET", `${pathOf(session)}/download?${new URLSearchParams(selection)}`));
  return card(
    "Audit Log",
    [
      html("button", { type: "button", "data-id": "download-audit", click: once(download) }, "Download"),
      html("button", { type: "button", "data-id": "check-audit", click: once(() => check(session)) }, "Check"),
    ],
    search(session),
    entries.length ? table(["Timestamp", "Type", "User", "Audit Log"], entries.toReversed().map(row)) : html("p", { class: "empty" }, "No entry was found."),
  );
}

const row = (each) => [mono(each.timestamp), each.type, each.user, each.message];

function search(session) {
  const form = html(
    "form",
    { class: "filters" },
    field({ name: "scope", label: "Audit log of", type: "select", options: SCOPES, value: searched.scope }),
    field({ name: "pattern", label: "Search Pattern", value: searched.pattern, hint: `The newest ${SHOWN} entries that have it.` }),
    html("button", { class: "primary", "data-id": "search-audit" }, "Search"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    Object.assign(searched, filledIn(form));
    session.changed("");
  });
  return form;
}

function check(session) {
  return session.act("Checking the audit log …", async () => {
    const found = await (await call("POST", `${pathOf(session)}/check`)).json();
    return found.isWhole ? `The audit log is whole: ${found.entries} entries.` : `The audit log was changed: ${found.findings.join("; ")}`;
  });
}

export const noAuditLog = () => card("Audit Log", [], html("p", {}, mark("open", "What is in it is for Administrator and Support.")));
