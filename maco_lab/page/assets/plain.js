// The answers in plain words, one column for each e-mail connection: who could read the password, and where trust goes.

import { html, mark, replace } from "./dom.js";
import { called, could, HOPS, PARTIES, readable, told } from "./path.js";

export function showPlain(parent, sights) {
  const answers = sights.map((sight) => ({ sight, ...answered(sight) }));
  const empty = html("p", { class: "empty" }, "No poll has ended yet: press “Poll now”, and the answers appear here.");
  replace(parent, ...(answers.length ? answers.map(column) : [empty]));
}

function column({ sight, title, reads, cannot, heard, networks, root }) {
  return html(
    "article",
    { class: "card answer", "aria-labelledby": `plain-${sight.connection}` },
    html("p", { class: "eyebrow" }, sight.connection),
    html("h3", { id: `plain-${sight.connection}` }, title),
    html(
      "dl",
      {},
      question("Who could read the password?", reads.length ? reads.map((each) => item("clear", each)) : item("enc", "Nobody: the poll ended before it was sent.")),
      question("Who could not?", cannot),
      sight.impostor ? question("What did the impostor read?", heard) : null,
      question("What could somebody read who taps a network?", networks),
      question("Where does the root certificate go?", root),
    ),
  );
}

function question(words, answer) {
  return html("div", {}, html("dt", {}, words), html("dd", {}, answer));
}

const item = (kind, words) => html("span", { class: "item" }, mark(kind, words));

function answered(sight) {
  const session = sight.sessions.find((each) => each.server === "Mail server");
  const reads = PARTIES.filter((party) => could(sight, party));
  const does = session?.client ?? (sight.protocol === "TCPS" ? "Cloud Connector" : null);
  return {
    title: titled(sight, session, does),
    heard: heard(sight),
    reads: [...reads.map((party) => called(sight, party)), ...tappers(sight, true)],
    cannot: reads.length ? others(sight, reads) : [],
    networks: readable(sight).map((read, i) => item(read.length ? "clear" : "enc", `${HOPS[i]}: ${told(read)}`)),
    root: root(sight, session, does),
  };
}

function titled(sight, session, does) {
  if (!does) return sight.succeeded ? "Nobody did TLS with the mail server" : "It failed before any TLS with the mail server";
  const verb = session?.succeeded ? "does" : "tried";
  const whom = sight.impostor ? "an impostor in the mail server's place" : "the mail server";
  return does === "MaCo" ? `Way A: MaCo ${verb} TLS with ${whom}, end to end` : `Way B: the Cloud Connector ${verb} TLS with ${whom}`;
}

function root(sight, session, does) {
  if (session?.succeeded && !session.verified_against) return item("clear", "Nobody was asked: the Cloud Connector trusts whoever answers, an impostor too.");
  if (does === "MaCo") return item("good", "Into MaCo's key store. The Cloud Connector's back-end trust store plays no part.");
  if (does) return item("good", "Into the Cloud Connector's back-end trust store. MaCo's key store plays no part.");
  if (!sight.succeeded) return item("open", "It did not come to that: no TLS was tried, so no store was asked.");
  return item("clear", "Nowhere: without TLS nobody asks who the mail server is.");
}

// What somebody in the mail server's place saw itself.
function heard(sight) {
  const found = [["password", "the password"], ["line in a mail", "the mail"]].filter(([secret]) => could(sight, "Mail server", secret));
  return found.length ? found.map(([, words]) => item("clear", words)) : item("enc", "Neither password nor mail.");
}

// Who could not read the password.
function others(sight, reads) {
  const found = [...PARTIES.filter((party) => !reads.includes(party)).map((party) => called(sight, party)), ...tappers(sight, false)];
  return found.length ? found.map((each) => item("enc", each)) : item("clear", "Nobody.");
}

// Who stands outside and taps a network on which the password could be read, or on which it could not.
function tappers(sight, could) {
  const networks = readable(sight);
  const tapped = HOPS.filter((_, i) => networks.length && networks[i].includes("password") === could);
  if (!tapped.length) return [];
  return [tapped.length === HOPS.length ? "whoever taps a network" : `whoever taps the ${tapped.join(" or the ")}`];
}
