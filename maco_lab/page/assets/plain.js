// The answers in plain words, one column for each e-mail connection: who could read the password, and where trust goes.

import { html, mark, replace } from "./dom.js";
import { bars, HOPS, PARTIES } from "./path.js";

export function showPlain(parent, sights) {
  const answers = sights.map((sight) => ({ sight, ...answered(sight) }));
  const empty = html("p", { class: "empty" }, "No poll has ended yet: press “Poll now”, and the answers appear here.");
  replace(parent, ...(answers.length ? answers.map(column) : [empty]));
}

function column({ sight, title, reads, cannot, networks, root }) {
  return html(
    "article",
    { class: "card answer", "aria-labelledby": `plain-${sight.connection}` },
    html("p", { class: "eyebrow" }, sight.connection),
    html("h3", { id: `plain-${sight.connection}` }, title),
    html(
      "dl",
      {},
      question("Who could read the password?", reads.length ? reads.map((each) => item("clear", each)) : item("enc", "Nobody: the poll ended before it was sent.")),
      question("Who could not?", cannot.map((each) => item("enc", each))),
      question("And somebody who taps a network?", networks),
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
  const secret = sight.secrets.find((each) => each.name.includes("password"));
  const reads = secret ? PARTIES.filter((party) => secret.held_by.includes(party)) : [];
  const does = session?.client ?? (sight.protocol === "TCPS" ? "Cloud Connector" : null);
  return {
    title: titled(sight, session, does),
    reads,
    cannot: reads.length ? PARTIES.filter((party) => !reads.includes(party)) : [],
    networks: reads.length ? tapped(sight) : "",
    root: root(sight, session, does),
  };
}

function titled(sight, session, does) {
  if (!does) return sight.succeeded ? "Nobody did TLS with the mail server" : "It failed before any TLS with the mail server";
  const verb = session?.succeeded ? "does" : "tried";
  return does === "MaCo" ? `Way A: MaCo ${verb} TLS with the mail server, end to end` : `Way B: the Cloud Connector ${verb} TLS with the mail server`;
}

function root(sight, session, does) {
  if (session?.succeeded && !session.verified_against) return item("clear", "Nobody was asked: the Cloud Connector trusts whoever answers, an impostor too.");
  if (does === "MaCo") return item("good", "Into MaCo's key store. The Cloud Connector's store plays no part.");
  if (does) return item("good", "Into the Cloud Connector's back-end trust store. MaCo's key store plays no part.");
  if (!sight.succeeded) return item("open", "It did not come to that: no TLS was tried, so no store was asked.");
  return item("clear", "Nowhere: without TLS nobody asks who the mail server is.");
}

function tapped(sight) {
  const drawn = bars(sight);
  return HOPS.map((hop, i) => {
    const over = drawn.filter((bar) => bar.from <= i && i < bar.to && bar.kind !== "failed");
    const safe = over.some((bar) => bar.kind === "enc");
    return item(safe ? "enc" : "clear", `${hop}: ${safe ? "sees TLS only" : "reads everything"}`);
  });
}
