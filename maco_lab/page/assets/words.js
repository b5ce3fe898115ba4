// An observation in one sentence. The keys are those of docs/journal.md.

const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

export const clock = (seconds) => time.format(new Date(seconds * 1000));

export const date = (iso) => (Number.isNaN(Date.parse(iso)) ? iso : day.format(new Date(iso)));

export const commonName = (subject) => /(?:^|,)CN=((?:\\.|[^,])*)/.exec(subject)?.[1] ?? subject;

// Who saw it: one in the mail server's place says so of itself.
export const observer = (seen) => (seen.party === "Mail server" && seen.system === "impostor" ? "Impostor" : seen.party);

// The networks on the way, and whose they are.
export const DESCRIBED = {
  "cloud network": "Between MaCo and the Connectivity service, inside SAP's cloud.",
  tunnel: "Between the Connectivity service and the Cloud Connector, across the internet.",
  "customer LAN": "Between the Cloud Connector and the mail server, on the customer's premises.",
};

const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
const endpoint = (seen) => `${seen.virtual_host}:${seen.virtual_port}`;

const SENTENCES = {
  handshake: (seen) =>
    seen.succeeded
      ? `TLS done as ${seen.role}: ${seen.session}, ${seen.version}`
      : `TLS failed as ${seen.role}: ${seen.session}; ${seen.error ?? "the other end gave up"}`,
  token_refused: (seen) => `token refused: ${seen.reason}`,
  stream_opened: (seen) =>
    seen.internal_host
      ? `opened ${endpoint(seen)} as ${seen.internal_host}:${seen.internal_port} (${seen.protocol})`
      : `opened ${endpoint(seen)}`,
  stream_refused: (seen) => `refused ${endpoint(seen)}: ${seen.reason}`,
  stream_closed: (seen) =>
    `closed: ${plural(seen.bytes_to_mail_server ?? 0, "byte")} to the mail server, ${seen.bytes_to_maco ?? 0} to MaCo`,
  socket_closed: (seen) =>
    seen.bytes_sent === undefined
      ? "closed its socket"
      : `closed its socket: ${plural(seen.bytes_sent, "byte")} sent and ${seen.bytes_received} received, TLS and all`,
  tunnel_state: (seen) => `tunnel ${seen.subaccount}: ${seen.state}${seen.reason ? `, ${seen.reason}` : ""}`,
  tunnel_connections: (seen) => `tunnel ${seen.subaccount}: ${seen.up} of ${seen.configured} connections are up`,
  ha_state: (seen) => `${seen.role} is ${seen.state}`,
  canary_seen: (seen) => `saw in clear: ${seen.name}`,
  client_hello_passed: (seen) => `a ClientHello passed${seen.server_name ? ` for ${seen.server_name}` : ""}: TLS of others`,
  starttls: (seen) => `${seen.protocol} STARTTLS ${seen.step.replace("_", " ")}${seen.detail ? ` (${seen.detail})` : ""}`,
  login: (seen) => `login of ${seen.user} ${seen.succeeded ? "succeeded" : "failed"}${seen.in_clear ? ", in clear" : ", under TLS"}`,
  mail_accepted: (seen) => `mail accepted: ${seen.subject ?? ""} (${plural(seen.size, "byte")})`,
  mail_fetched: (seen) => `mail stored in MaCo: ${seen.subject ?? ""}`,
  poll_finished: (seen) =>
    seen.succeeded
      ? `poll of ${seen.connection} done: ${plural(seen.stored ?? 0, "mail")}, ${seen.duration_ms ?? 0} ms`
      : `poll of ${seen.connection} failed at step '${seen.stage}': ${seen.error ?? ""}`,
  send_finished: (seen) =>
    seen.succeeded
      ? `mail sent by ${seen.connection}: ${seen.answer ?? ""}`
      : `sending by ${seen.connection} failed at step '${seen.stage}': ${seen.error ?? ""}`,
  maco_configured: (seen) => `${seen.entry} ${seen.name} ${seen.change}`,
  fault_struck: (seen) => `scripted fault: ${seen.step}`,
  party_process: (seen) => `${seen.name}: process ${seen.pid} ${seen.state}`,
  problem: (seen) => seen.text,
};

export function sentence(seen) {
  return SENTENCES[seen.kind]?.(seen) ?? seen.kind.replaceAll("_", " ");
}

// enc, clear, failed or empty: what an observation says about the secrecy of the connection.
export function tone(seen) {
  if (seen.kind === "handshake") return seen.succeeded ? "enc" : "failed";
  if (["stream_refused", "token_refused", "problem"].includes(seen.kind)) return "failed";
  if (["poll_finished", "send_finished"].includes(seen.kind)) return seen.succeeded ? "good" : "failed";
  if (seen.kind === "canary_seen" || (seen.kind === "login" && seen.in_clear)) return "clear";
  return "";
}
