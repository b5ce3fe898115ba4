// Add and edit an e-mail connection, by the tabs of the mail adapter: Connection, Processing, Scheduler.

import { call, named } from "./api.js";
import { wizard } from "./dialog.js";

const PATH = "/api/connections";

const PROTOCOLS = ["IMAP4", "POP3"];
const PROTECTIONS = {
  Off: "MaCo itself uses no TLS: for a TCP TLS mapping.",
  "STARTTLS Mandatory": "MaCo upgrades to TLS, or the poll ends: for a TCP mapping to 143 (POP3: 110).",
  "STARTTLS Optional": "Goes on in clear, password included, if STARTTLS is not offered.",
  IMAPS: "TLS from the first byte; not with Proxy Type On-Premise.",
  POP3S: "The same with Transport Protocol POP3.",
};
const AUTHENTICATIONS = ["Plain User Name/Password", "Encrypted User/Password", "OAuth2 Authorization Code"];
const SELECTIONS = ["Only Unread", "All Mails"];
const POST_PROCESSINGS = ["Mark as Read", "Delete", "Archive", "Archive and Mark as Read"];
const BY_POP3 = ["Delete", "Leave on Server"];
const FLAGS = [
  ["remove_attachments", "Remove Attachments"],
  ["include_original_mail", "Include Original Mail"],
  ["decode_mime_headers", "Decode MIME Headers"],
  ["automatically_disconnect", "Automatically Disconnect"],
];
const DEFAULTS = {
  transport_protocol: PROTOCOLS[0],
  protection: "STARTTLS Mandatory",
  authentication: AUTHENTICATIONS[0],
  folder: "INBOX",
  selection: SELECTIONS[0],
  post_processing: POST_PROCESSINGS[0],
  archive_folder: "",
  max_messages_per_poll: null,
  lock_timeout_min: 15,
  remove_attachments: false,
  include_original_mail: false,
  decode_mime_headers: true,
  automatically_disconnect: true,
};

const options = (values) => values.map((each) => [each, each]);
const isPop3 = (filled) => filled.transport_protocol === "POP3";
const names = (entries) => options(entries.map((each) => each.name));

// POP3 has neither folders nor flags.
const onlyImap4 = (filled, fields) => (isPop3(filled) ? [] : fields);

function steps({ servers, credentials }, { isNew }) {
  return [
    {
      title: "Connection",
      fields: (filled) => [
        ...(isNew ? [{ name: "name", label: "Name", value: filled.name, required: true }] : []),
        { name: "server", label: "Email Server", type: "select", options: names(servers), value: filled.server },
        { name: "transport_protocol", label: "Transport Protocol", type: "select", options: options(PROTOCOLS), value: filled.transport_protocol },
        { name: "protection", label: "Protection", type: "radio", options: Object.entries(PROTECTIONS).map(([each, more]) => [each, each, more]), value: filled.protection },
        { name: "authentication", label: "Authentication", type: "select", options: options(AUTHENTICATIONS), value: filled.authentication },
        { name: "credential", label: "Credential Name", type: "select", options: names(credentials), value: filled.credential },
      ],
    },
    {
      title: "Processing",
      fields: (filled) => [
        ...onlyImap4(filled, [
          { name: "folder", label: "Folder", value: filled.folder, required: true },
          { name: "selection", label: "Selection", type: "select", options: options(SELECTIONS), value: filled.selection },
        ]),
        { name: "max_messages_per_poll", label: "Max. Messages per Poll", type: "number", value: filled.max_messages_per_poll ?? "", hint: "Empty: no limit.", attributes: { min: 1 } },
        { name: "lock_timeout_min", label: "Lock Timeout (in min)", type: "number", value: filled.lock_timeout_min, required: true, attributes: { min: 1 } },
        { name: "post_processing", label: "Post-Processing", type: "select", options: options(isPop3(filled) ? BY_POP3 : POST_PROCESSINGS), value: filled.post_processing },
        ...onlyImap4(filled, [{ name: "archive_folder", label: "Archive Folder", value: filled.archive_folder, hint: "Only with Archive." }]),
        ...FLAGS.map(([name, label]) => ({ name, label, type: "checkbox", value: filled[name] })),
      ],
    },
    {
      title: "Scheduler",
      submit: isNew ? "Add" : "Save",
      fields: (filled) => [
        { name: "every_s", label: "Every", type: "number", value: filled.every_s ?? "", hint: "Seconds between the end of a poll and the next one; SAP advises against less than a minute. Empty: only On Time.", attributes: { min: 1 } },
        { name: "at", label: "On Time", value: filled.at, hint: "HH:MM, once a day, instead of Every.", attributes: { placeholder: "HH:MM" } },
        { name: "time_zone", label: "Time Zone", value: filled.time_zone ?? "UTC", required: true },
      ],
    },
  ];
}

const number = (text) => (text === "" || text === null ? null : Number(text));

// What is sent; a scheduler takes the place of the whole one before, so what is not asked for here stays in it.
function asRequest({ every_s: every, at, time_zone: zone, ...filled }, scheduler = {}) {
  return {
    ...filled,
    ...(isPop3(filled) ? { folder: "INBOX", selection: null, archive_folder: "" } : {}),
    max_messages_per_poll: number(filled.max_messages_per_poll),
    lock_timeout_min: number(filled.lock_timeout_min),
    scheduler: { ...scheduler, every_s: number(every), at, time_zone: zone },
  };
}

export function addConnection(session, known) {
  wizard({
    title: "Configure Email Connection",
    steps: steps(known, { isNew: true }),
    values: { ...DEFAULTS, every_s: 60 },
    act: async (filled) => {
      await call("POST", PATH, asRequest(filled));
      await session.changed("The e-mail connection is added.");
    },
  });
}

export function editConnection(session, known, each) {
  const asked = [...Object.keys(DEFAULTS), "server", "credential"];
  const values = Object.fromEntries(asked.map((name) => [name, each[name]]));
  wizard({
    title: `Configure Email Connection ${each.name}`,
    steps: steps(known, { isNew: false }),
    values: { ...values, every_s: each.scheduler.every_s, at: each.scheduler.at, time_zone: each.scheduler.time_zone },
    act: async (filled) => {
      await call("PATCH", named(PATH, each.name), asRequest(filled, each.scheduler));
      await session.changed("The e-mail connection is saved.");
    },
  });
}
