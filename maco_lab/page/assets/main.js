// Wires the page to the API: reads everything once, then follows the journal and reads anew what may have changed.

import { get, post } from "./api.js";
import { showTrust } from "./certificates.js";
import { Connections } from "./connections.js";
import { replace, html } from "./dom.js";
import { readAnew } from "./hop.js";
import { LiveJournal } from "./journal.js";
import { showSystems, showTunnels } from "./landscape.js";
import { showPlain } from "./plain.js";
import { Scenarios } from "./scenarios.js";
import { showSights } from "./sights.js";

const SETTLE_MS = 120; // several observations of one poll cost one look
const LEAST_MS = 750; // and a busy lab is not asked more often than this

const at = (id) => document.getElementById(id);
const connections = new Connections(at("connections"), at("timeline"));
const journal = new LiveJournal(at("journal"));
const scenarios = new Scenarios(at("scenarios"), at("banner"), switchScenario, () => at("poll").click());
let landscape = { email_connections: [] };

const readers = {
  async sights() {
    const { sights } = await get("/api/sights");
    showPlain(at("plain"), sights);
    showSights(at("sights"), sights, landscape.email_connections);
    await readAnew();
  },
  async scenarios() {
    scenarios.show(await get("/api/scenarios"));
  },
  async settings() {
    const [found, trust] = await Promise.all([get("/api/landscape"), get("/api/trust")]);
    landscape = found;
    showSystems(at("systems"), landscape);
    showTrust(at("stores"), at("presented"), trust);
  },
  connections: () => connections.refresh(),
  async tunnels() {
    showTunnels(at("tunnels"), await get("/api/tunnels"));
  },
};

const due = new Set();
let timer = null;
let lookedAt = -LEAST_MS;

function look(...names) {
  names.forEach((name) => due.add(name));
  timer ??= setTimeout(async () => {
    const now = [...due];
    due.clear();
    lookedAt = performance.now();
    await Promise.all(now.map((name) => readers[name]().catch((error) => tell(error.message))));
    timer = null;
    if (due.size) look();
  }, Math.max(SETTLE_MS, lookedAt + LEAST_MS - performance.now()));
}

function tell(words) {
  at("told").textContent = words;
}

function live(is) {
  at("live").classList.toggle("on", is);
  at("live-text").textContent = is ? "follows the lab" : "the lab does not answer";
}

async function start() {
  const [found, trust] = await Promise.all([get("/api/landscape"), get("/api/trust")]);
  landscape = found;
  at("lab").textContent = `imitations of SAP's systems, as ${landscape.lab} describes them`;
  replace(at("mailbox"), ...landscape.mailboxes.map((each) => html("option", {}, each)));
  showSystems(at("systems"), landscape);
  showTrust(at("stores"), at("presented"), trust);
  look("sights", "connections", "tunnels", "scenarios");
}

function follow() {
  let run = null;
  const events = new EventSource("/api/events");
  events.addEventListener("open", () => live(true));
  events.addEventListener("error", () => live(false));
  events.addEventListener("run", (message) => {
    const told = JSON.parse(message.data).run;
    if (run && run !== told) {
      journal.clear();
      start().catch((error) => tell(error.message)); // the lab was started anew
    }
    run = told;
  });
  events.addEventListener("entry", (message) => {
    const seen = JSON.parse(message.data);
    journal.add(seen);
    // A scenario that somebody else has switched shows by the next poll; the mail server tells last why it failed.
    if (seen.kind === "poll_finished") look("sights", "scenarios", "settings", "tunnels");
    if (seen.kind === "maco_configured") look("settings");
    if (seen.kind === "handshake" && !seen.succeeded) look("sights");
    if (seen.kind === "tunnel_state" || seen.kind === "ha_state") look("tunnels");
    look("connections");
  });
}

// Runs an act of a button, which is out of use meanwhile.
function onClick(id, begun, act) {
  const button = at(id);
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true"); // and not "disabled": that would take the focus away
    tell(begun);
    try {
      tell(await act());
    } catch (error) {
      tell(error.message);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
}

async function switchScenario(name, to) {
  tell(to === "on" ? "Switching it on …" : "Switching it off …");
  try {
    scenarios.show(await post(`/api/scenarios/${encodeURIComponent(name)}/${to}`, {}));
    tell(to === "on" ? "The scenario is on. Poll now to see what happens." : "The scenario is off: the lab runs as its file says. Poll now to see it.");
    look("settings", "tunnels");
  } catch (error) {
    tell(error.message);
  }
}

onClick("poll", "MaCo polls …", async () => {
  const { results } = await post("/api/poll", {});
  const told = results.map((each) => `${each.connection}: ${each.succeeded ? `${each.stored} fetched` : `failed at ${each.stage}`}`);
  return told.length ? `Polled. ${told.join(", ")}` : "There is no e-mail connection to poll.";
});

onClick("send", "Sending …", async () => {
  const { to } = await post("/api/mails", { to: at("mailbox").value });
  return `A sample market message is in the mailbox of ${to}. Poll to fetch it.`;
});

start().catch((error) => tell(error.message));
follow();
