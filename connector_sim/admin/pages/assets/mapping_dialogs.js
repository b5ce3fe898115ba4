// Add a mapping, in the product's order of steps, and edit one.

import { call } from "./api.js";
import { checkDetails, checkNow } from "./availability.js";
import { ask, wizard } from "./dialog.js";
import { facts, html, mark, mono } from "./dom.js";
import { BACK_END_TYPES, isCarried, isHttp, nameOf, PRINCIPAL_TYPES, PROTOCOLS, protocolsOf, wordOf } from "./mapping_words.js";

const PORT_HINT = "One port, or for TCP and TCP TLS a range such as 7000-7010.";

const TCP_RISK = "What passes through a TCP mapping cannot be looked into here: let only applications use it that you trust.";

const STEPS = [
  {
    title: "Back-End Type",
    lead: "What kind of system is it? A mail server is a Non-SAP System.",
    fields: ({ backendType = "nonSAPsys" }) => [{ name: "backendType", label: "Back-End Type", type: "select", options: BACK_END_TYPES, value: backendType }],
  },
  {
    title: "Protocol",
    lead: "How does the connector speak with it? The simulation carries TCP and TCP TLS; mappings of the others are kept and shown only.",
    fields: ({ backendType, protocol }) => [{ name: "protocol", label: "Protocol", type: "radio", options: protocolsOf(backendType), value: protocol ?? protocolsOf(backendType)[0][0] }],
  },
  {
    title: "Internal System",
    lead: "The host and port as the connector finds them in its own network.",
    fields: ({ protocol, localHost, localPort }) => [
      { name: "localHost", label: "Internal Host", value: localHost, required: true },
      { name: "localPort", label: isCarried({ protocol }) ? "Internal Port or Port Range" : "Internal Port", value: localPort, required: true, hint: PORT_HINT },
    ],
  },
  {
    title: "Virtual System",
    lead: ({ protocol }) => [html("p", {}, "The host and port by which the cloud calls it. They cannot be changed later."), html("p", {}, virtualHint(protocol))],
    fields: ({ localHost, localPort, virtualHost = localHost, virtualPort = localPort }) => [
      { name: "virtualHost", label: "Virtual Host", value: virtualHost, required: true },
      { name: "virtualPort", label: "Virtual Port or Port Range", value: virtualPort, required: true },
    ],
  },
  {
    title: "Principal Type",
    lead: "In whose name the back end is called.",
    skip: (filled) => !isHttp(filled),
    fields: ({ authenticationMode = "NONE", hostInHeader = "VIRTUAL" }) => [
      { name: "authenticationMode", label: "Principal Type", type: "select", options: PRINCIPAL_TYPES, value: authenticationMode },
      { name: "hostInHeader", label: "Host in Request Header", type: "select", options: [["VIRTUAL", "Use virtual host"], ["INTERNAL", "Use internal host"]], value: hostInHeader },
    ],
  },
  {
    title: "Description",
    fields: ({ description = "" }) => [{ name: "description", label: "Description", value: description }],
  },
  {
    title: "Summary",
    submit: "Finish",
    lead: (filled) => [
      facts([
        ["Protocol", wordOf(PROTOCOLS, filled.protocol)],
        ["Back-End Type", wordOf(BACK_END_TYPES, filled.backendType)],
        ["Internal Host", mono(`${filled.localHost}:${filled.localPort}`)],
        ["Virtual Host", mono(nameOf(filled))],
        ["Description", filled.description],
      ]),
      filled.protocol === "TCP" ? html("p", {}, mark("clear", TCP_RISK)) : null,
      isCarried(filled) ? null : html("p", {}, mark("clear", "Nothing passes through this mapping here: the simulation carries TCP and TCP TLS.")),
    ].filter(Boolean),
    fields: (filled) => (isCarried(filled) ? [{ name: "checks", label: "Check Internal Host", type: "checkbox", value: true }] : []),
  },
];

function virtualHint(protocol) {
  return protocol === "TCP"
    ? "With STARTTLS MaCo compares the server's certificate with this name: use the mail server's real one."
    : "A free choice: the name need not exist.";
}

export function addMapping(session, path) {
  wizard({
    title: "Add System Mapping",
    steps: STEPS,
    act: async ({ checks, ...filled }) => {
      const mapping = { ...filled, authenticationMode: filled.authenticationMode ?? "NONE" };
      await call("POST", path, isHttp(mapping) ? mapping : { ...mapping, hostInHeader: undefined });
      const found = checks ? await checkNow(session, mapping) : null;
      await session.changed("The mapping is added.");
      return found ? html("div", {}, html("h3", { tabindex: "-1" }, "The mapping is added"), checkDetails(found)) : undefined;
    },
  });
}

export function editMapping(session, path, mapping) {
  const carried = isCarried(mapping);
  ask({
    title: `Edit System Mapping ${nameOf(mapping)}`,
    lead: "Virtual host and port stay as they are: to change them, delete the mapping and add it anew.",
    fields: [
      carried ? { name: "usesTls", label: "Use TLS", type: "checkbox", value: mapping.protocol === "TCPS", hint: "With it the protocol is TCP TLS, without it TCP." } : null,
      { name: "backendType", label: "Back-End Type", type: "select", options: BACK_END_TYPES, value: mapping.backendType },
      { name: "localHost", label: "Internal Host", value: mapping.localHost, required: true },
      { name: "localPort", label: "Internal Port", value: mapping.localPort, required: true },
      { name: "sid", label: "System ID", value: mapping.sid },
      { name: "description", label: "Description", value: mapping.description },
    ].filter(Boolean),
    act: async ({ usesTls, ...filled }) => {
      const protocol = carried ? (usesTls ? "TCPS" : "TCP") : mapping.protocol;
      await call("PUT", `${path}/${encodeURIComponent(nameOf(mapping))}`, { ...filled, protocol });
      await session.changed("The mapping is saved.");
    },
  });
}
