// The tunnel of a subaccount: its state, and connecting and disconnecting.

import { call, ofSubaccount } from "./api.js";
import { html, mark } from "./dom.js";
import { at } from "./shown.js";
import { button } from "./views.js";

export function tunnelState(tunnel) {
  if (tunnel.state === "Connected") {
    return html("span", {}, mark("good", "Connected"), html("span", { class: "under" }, `since ${at(tunnel.connectedSinceTimeStamp)}`));
  }
  return tunnel.state === "Disconnected" ? mark("open", "Disconnected") : mark("failed", "Failed to connect");
}

export function switchTunnel(session, { regionHost, subaccount, tunnel }) {
  const isUp = tunnel.state === "Connected";
  const words = isUp ? "Disconnect" : "Connect";
  const change = () =>
    session.act(isUp ? "Disconnecting …" : "Connecting …", async () => {
      await call("PUT", `${ofSubaccount({ region: regionHost, subaccount })}/state`, { connected: !isUp });
      return isUp ? "The tunnel is disconnected: what ran in it was cut." : "";
    });
  return button(words, change, { id: `switch-${subaccount}`, of: subaccount }); // it keeps the focus when its words change
}
