// Certificates and the trust stores that judge them.

import { facts, html, mark, mono, replace } from "./dom.js";
import { commonName, date } from "./words.js";

const spaced = (name) => name.replaceAll(/,(?=[A-Z]+=)/g, ", ");
const days = (iso) => Math.floor((Date.parse(iso) - Date.now()) / 86_400_000);

export function certificate(each) {
  return html("div", { class: "certificate" }, certificateFacts(each));
}

function certificateFacts(each) {
  return facts([
    ["Subject", spaced(each.subject)],
    ["Issuer", each.issuer === each.subject ? "itself" : spaced(each.issuer)],
    ["Names", (each.dns_names ?? []).join(", ")],
    ["Valid", validity(each)],
    ["SHA-256", mono(`${each.fingerprint.slice(0, 16)}…`)],
  ]);
}

function validity(each) {
  if (!each.not_after) return "";
  const left = days(each.not_after);
  if (left < 0) return mark("failed", `expired on ${date(each.not_after)}`);
  if (Date.parse(each.not_before) > Date.now()) return mark("failed", `not before ${date(each.not_before)}`);
  return `until ${date(each.not_after)} (${left} days)`;
}

export function showTrust(stores, presented, trust) {
  replace(stores, ...trust.stores.map(store));
  replace(presented, ...trust.presented.map(shown));
}

function store(each) {
  const certificates = each.certificates.map((trusted) =>
    html(
      "li",
      {},
      html("span", { class: "alias" }, trusted.name),
      facts([
        ["Subject", commonName(trusted.certificate.subject)],
        ["Valid", validity(trusted.certificate)],
        ["SHA-256", mono(`${trusted.certificate.fingerprint.slice(0, 16)}…`)],
      ]),
    ),
  );
  const nobody = each.trusts_all ? mark("failed", "trusts every back end") : mark("failed", "empty: trusts nobody");
  return html(
    "article",
    { class: "card store" },
    html("p", { class: "eyebrow" }, each.system),
    html("h3", {}, capital(each.store)),
    html("p", {}, `judges ${each.judges}`),
    html("ul", {}, each.trusts_all || !certificates.length ? html("li", {}, nobody) : null, certificates),
  );
}

function shown(each) {
  return html(
    "article",
    { class: "card store" },
    html("p", { class: "eyebrow" }, each.system),
    html("h3", {}, commonName(each.certificate.subject)),
    html("p", {}, each.purpose),
    html("div", { class: "extra" }, certificate(each.certificate)),
    html(
      "div",
      { class: "verdicts" },
      each.path_ends_in.map((title) => html("p", {}, mark("good", `its path ends in the ${title}`))),
      each.path_ends_not_in.map((title) => html("p", {}, mark("failed", `unknown to the ${title}`))),
    ),
  );
}

const capital = (words) => words[0].toUpperCase() + words.slice(1);
