// Master and shadow: which part this connector plays, and what can be done about it.

import { call, CONNECTOR, get } from "./api.js";
import { confirm } from "./dialog.js";
import { facts, mono } from "./dom.js";
import { button, card, head } from "./views.js";

const PATH = `${CONNECTOR}/ha`;

export async function highAvailability(session) {
  const role = await get(`${CONNECTOR}/haRole`);
  const [config, state] = await Promise.all([get(`${PATH}/${role}/config`), get(`${PATH}/${role}/state`)]);
  const shown = role === "master" ? master(session, config, state) : shadow(session, config, state);
  return [head("High Availability", "One master has the tunnels; a shadow watches it and takes over. How they watch each other is set in the lab file."), shown];
}

function master(session, config, state) {
  const may = session.may("administrator") && config.haEnabled;
  return card(
    "Master Instance",
    [
      may ? button("Switch to shadow", () => sure(session, "Switch to the shadow?", "Running connections are cut.", "POST", `${PATH}/master/state`, { op: "SWITCH" })) : null,
      may ? button("Forget shadow", () => sure(session, "Forget the shadow?", "It must bind itself anew.", "DELETE", `${PATH}/master/state`)) : null,
    ],
    facts([
      ["State", state.state],
      ["Shadow Host", state.shadowHost ? mono(state.shadowHost) : "none"],
      ["High Availability", config.haEnabled ? "enabled" : "not enabled: the lab file describes no shadow"],
      ["HA Port", mono(String(config.haPort))],
    ]),
  );
}

function shadow(session, config, state) {
  const may = session.may("administrator");
  const operate = (op) => session.act("Asking …", () => call("POST", `${PATH}/shadow/state`, { op }).then(() => ""));
  return card(
    "Shadow Instance",
    [may ? button("Connect", () => operate("CONNECT")) : null, may ? button("Disconnect", () => operate("DISCONNECT")) : null],
    facts([
      ["State", state.state],
      ["Message", state.stateMessage],
      ["Master", config.masterHost ? mono(`${config.masterHost}:${config.masterPort}`) : "none"],
      ["Check Interval", `${config.checkIntervalInSeconds} s`],
      ["Takeover Delay", `${config.takeoverDelayInSeconds} s`],
      ["Connect Timeout", `${config.connectTimeoutInMillis} ms`],
      ["Request Timeout", `${config.requestTimeoutInMillis} ms`],
    ]),
  );
}

function sure(session, title, lead, method, path, content) {
  confirm({
    title,
    lead,
    submit: "Do it",
    act: async () => {
      await call(method, path, content);
      await session.changed("Done.");
    },
  });
}
