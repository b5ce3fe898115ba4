// Where TLS ended: a card for each e-mail connection with its path, what follows from it, and its TLS sessions.

import { facts, html, mark, mono, redraw, table } from "./dom.js";
import { openPanel, showHop } from "./hop.js";
import { called, path } from "./path.js";
import { commonName } from "./words.js";

const narrow = matchMedia("(max-width: 760px)");
let last = null;

const ROOT = "The root certificate of the CA that issued the mail server's certificate";

export function showSights(parent, sights, connections) {
  last = () => {
    const cards = () => sights.map((sight) => card(sight, connections.find((each) => each.name === sight.connection)));
    redraw(parent, () => (sights.length ? cards() : [html("p", { class: "empty" }, "No poll has ended yet.")]));
  };
  last();
}

narrow.addEventListener("change", () => last?.());

function card(sight, configured) {
  const open = document.querySelector(`[data-sessions="${CSS.escape(sight.connection)}"]`)?.open;
  return html(
    "article",
    { class: "card sight", "aria-labelledby": `sight-${sight.connection}` },
    html(
      "div",
      { class: "sight-head" },
      html("h3", { id: `sight-${sight.connection}` }, sight.connection),
      html("p", {}, settings(sight, configured)),
    ),
    html("p", { class: "verdict" }, sight.succeeded ? mark(tone(sight), sight.where_tls_ended) : mark("failed", failure(sight))),
    advice(sight),
    path(sight, { narrow: narrow.matches, choose: (hop) => choose(sight.connection, hop) }),
    html("div", { "data-wires": sight.connection }, openPanel(sight.connection)),
    sight.sessions.length
      ? html(
          "details",
          { "data-sessions": sight.connection, ...(open ? { open: "" } : {}) },
          html("summary", { "data-id": `sessions-${sight.connection}` }, "TLS sessions, and who vouched for the server's certificate"),
          sessions(sight),
        )
      : null,
  );
}

async function choose(connection, hop) {
  const place = document.querySelector(`[data-wires="${CSS.escape(connection)}"]`);
  const panel = await showHop(connection, hop);
  if (!panel.isConnected) place.replaceChildren(panel);
  panel.scrollIntoView({ block: "nearest" });
  panel.focus({ preventScroll: true });
}

const mailSession = (sight) => sight.sessions.find((each) => each.server === "Mail server" && each.succeeded);

function tone(sight) {
  return mailSession(sight)?.client === "MaCo" ? "enc" : "clear";
}

function failure(sight) {
  return `failed at step '${sight.stage}': ${sight.error}`;
}

function settings(sight, configured) {
  const parts = configured ? [`protection ${configured.protection}${configured.protection === "Off" ? " (MaCo itself uses no TLS)" : ""}`] : [];
  if (sight.virtual) parts.push(`${sight.virtual} → ${sight.internal}, mapping ${sight.protocol === "TCPS" ? "TCP TLS" : sight.protocol}`);
  return parts.join(" · ");
}

function advice(sight) {
  if (!sight.succeeded) return bothEnds(sight);
  const session = mailSession(sight);
  if (!session) return html("p", { class: "advice" }, "The mail server spoke no TLS: every system on the way could read the mail, and so could whoever taps the cloud network or the customer LAN.");
  return html(
    "p",
    { class: "advice" },
    session.client === "MaCo"
      ? `${ROOT} belongs in MaCo's key store. ${session.kind.includes("STARTTLS") ? "After STARTTLS the" : "The"} Connectivity service and the Cloud Connector only copied bytes that they could not read.`
      : `${session.verified_against ? `${ROOT} belongs in the Cloud Connector's back-end trust store. ` : ""}The Connectivity service, the Cloud Connector and whoever taps the cloud network could read the mail.${sight.impostor ? IMPOSTOR : unchecked(session)}`,
  );
}

const IMPOSTOR = " Nobody's certificate was verified: an impostor answered in the mail server's place, and read it too.";

// What follows when the connector compares no names.
function unchecked(session) {
  if (session.name_checked) return "";
  if (!session.verified_against) return " Nobody's certificate was verified: whoever is on the customer LAN could answer in the mail server's place.";
  return " The name was not checked: somebody on the customer LAN who has any certificate that this store vouches for could answer in the mail server's place.";
}

// What each end saw of a failure, and where to look.
function bothEnds(sight) {
  const ends = sight.sessions
    .filter((each) => !each.succeeded)
    .flatMap((each) => [
      [`${each.client} saw`, each.client_saw],
      [`${called(sight, each.server)} saw`, each.server_saw || "nothing that it told"],
    ]);
  const refusals = sight.refusals.map((each) => [each.split(": ")[0], each.split(": ").slice(1).join(": ")]);
  return facts([...ends, ...refusals, ["Look at", sight.hint]], "facts ends");
}

function sessions(sight) {
  return table(
    ["Session", "Over", "Agreed on", "Presented", "Vouched by", "Name"],
    sight.sessions.map((each) => [
      html("span", {}, `${each.client} with ${called(sight, each.server)}`),
      each.hops.join(", "),
      each.succeeded ? html("span", {}, `${each.version} `, mono(each.cipher)) : mark("failed", each.error || each.alert || "failed"),
      commonName(each.presented),
      each.succeeded ? each.verified_against || mark("clear", "nobody: not verified") : "",
      each.succeeded ? (each.name_checked ? "checked" : mark("clear", "not checked")) : "",
    ]),
  );
}
