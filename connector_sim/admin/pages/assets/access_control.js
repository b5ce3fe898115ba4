// Cloud To On-Premises: which virtual systems the cloud may call, and what internal systems they are.

import { call, get, ofSubaccount } from "./api.js";
import { checkDetails, checkNow, lastCheck, lastResults, resultOf } from "./availability.js";
import { confirm, tellAbout } from "./dialog.js";
import { facts, html, mark, mono, table } from "./dom.js";
import { select } from "./form.js";
import { addMapping, editMapping } from "./mapping_dialogs.js";
import { BACK_END_TYPES, isCarried, nameOf, PRINCIPAL_TYPES, PROTOCOLS, wordOf } from "./mapping_words.js";
import { at } from "./shown.js";
import { button, card, head, signButton } from "./views.js";

const chosen = { protocol: "", backendType: "" };

export async function accessControl(session) {
  const path = `${ofSubaccount(session)}/systemMappings`;
  const [mappings, checks] = await Promise.all([get(path), lastResults(session)]);
  const may = session.may("subaccounts");
  return [
    head("Cloud To On-Premises", "The cloud knows virtual hosts only. Each stands for an internal host that this connector can reach."),
    card(
      `Mapping Virtual to Internal System (${mappings.length})`,
      may
        ? [
            button("Add", () => addMapping(session, path), { kind: "primary", of: "system mapping" }),
            mappings.length ? button("Delete all", () => deleteAll(session, path)) : null,
          ]
        : [],
      mappings.length ? listed(session, path, mappings, checks) : html("p", { class: "empty" }, "Nothing is mapped: nothing on premise can be reached from the cloud."),
    ),
  ];
}

function listed(session, path, mappings, checks) {
  const shown = mappings.filter((each) => Object.entries(chosen).every(([name, value]) => !value || each[name] === value));
  return html(
    "div",
    {},
    html(
      "div",
      { class: "filters" },
      filter(session, "Protocol", "protocol", PROTOCOLS, mappings),
      filter(session, "Back-End Type", "backendType", BACK_END_TYPES, mappings),
    ),
    table(
      ["Status", "Virtual Host", "Internal Host", "Check Result", "Protocol", "Back-End Type", "Actions"],
      shown.map((each) => row(session, path, each, checks.get(nameOf(each)))),
    ),
  );
}

function filter(session, label, name, words, mappings) {
  const found = [...new Set(mappings.map((each) => each[name]))];
  const options = [["", "all"], ...found.map((each) => [each, wordOf(words, each)])];
  const list = select(options, chosen[name], {
    "data-id": `filter-${name}`,
    change: () => {
      chosen[name] = list.value;
      session.changed("");
    },
  });
  return html("label", {}, label, list);
}

function row(session, path, each, check) {
  return [
    isCarried(each) ? mark("good", "active") : mark("open", "kept only"),
    html("span", {}, mono(nameOf(each)), each.description ? html("span", { class: "under" }, each.description) : null),
    mono(`${each.localHost}:${each.localPort}`),
    resultOf(each, check),
    wordOf(PROTOCOLS, each.protocol),
    wordOf(BACK_END_TYPES, each.backendType),
    acts(session, path, each),
  ];
}

function acts(session, path, each) {
  const name = nameOf(each);
  const act = (sign, words, click) => signButton(sign, words, click, { of: name });
  const may = session.may("subaccounts");
  return html(
    "div",
    { class: "acts" },
    may ? act("pencil", "Edit", () => editMapping(session, path, each)) : null,
    isCarried(each) ? act("pulse", "Check Availability", () => check(session, each)) : null,
    act("info", "Details", () => showDetails(session, each)),
    may ? act("bin", "Delete", () => deleteOne(session, path, each)) : null,
  );
}

function check(session, each) {
  return session.act(`Checking ${each.localHost}:${each.localPort} …`, async () => {
    const { result, message } = await checkNow(session, each);
    return `${nameOf(each)}: ${result}. ${message}`;
  });
}

async function showDetails(session, each) {
  const found = isCarried(each) ? await lastCheck(session, each) : null;
  tellAbout(
    "Back-End Connection Details",
    html("h3", {}, "System Mapping Details"),
    facts([
      ["Virtual Host", mono(nameOf(each))],
      ["Internal Host", mono(`${each.localHost}:${each.localPort}`)],
      ["Principal Type", isCarried(each) ? "not asked for with TCP" : wordOf(PRINCIPAL_TYPES, each.authenticationMode)],
      ["Host in Request Header", each.hostInHeader],
      ["System ID", each.sid],
      ["Description", each.description],
      ["Creation Date", at(Number(each.creationDate))],
    ]),
    html("h3", {}, "Connection Check Details"),
    found ? checkDetails(found) : html("p", {}, "Nothing passes through this mapping here, so there is nothing to check."),
  );
}

function deleteOne(session, path, each) {
  confirm({
    title: `Delete ${nameOf(each)}?`,
    lead: "The next connection to it is refused; what is open stays open.",
    submit: "Delete",
    act: async () => {
      await call("DELETE", `${path}/${encodeURIComponent(nameOf(each))}`);
      await session.changed("The mapping is deleted.");
    },
  });
}

function deleteAll(session, path) {
  confirm({
    title: "Delete all mappings?",
    lead: "Nothing on premise can be reached from this subaccount any more.",
    submit: "Delete all",
    act: async () => {
      await call("DELETE", path);
      await session.changed("All mappings are deleted.");
    },
  });
}
