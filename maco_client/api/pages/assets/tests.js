// The connectivity tests: what a poll would meet, without fetching anything.

import { call } from "./api.js";
import { tellAbout } from "./dialog.js";
import { facts, html, mark, table } from "./dom.js";
import { commonName, validity } from "./shown.js";

const ask = async (kind, content) => (await call("POST", `/api/tests/${kind}`, content)).json();

// Asks for the Cloud Connector of an e-mail server's location ID.
export async function testServer(server) {
  const found = await ask("connector", { location_id: server.location_id });
  tellAbout(
    `Test of ${server.name}`,
    html("p", { class: "verdict" }, found.succeeded ? mark("good", "A Cloud Connector with this location ID is connected") : mark("failed", "No Cloud Connector was reached")),
    failure(found),
    facts([["Location ID", server.location_id || "none: the default location"], ["SOCKS5 answer", found.succeeded || found.socks_reply === null ? "" : String(found.socks_reply)]]),
  );
}

// Logs in as a poll of an e-mail connection does, and counts what is in its folder.
export async function testConnection(connection, server) {
  const { proxy_type, location_id, timeout_ms } = server;
  const { protection, authentication, credential, folder } = connection;
  const found = await ask("imap", { ...hostAndPort(server), proxy_type, location_id, timeout_ms, protection, authentication, credential, folder });
  const { content } = found;
  tellAbout(
    `Test of ${connection.name}`,
    html("p", { class: "verdict" }, found.succeeded ? mark("good", "Logged in") : mark("failed", `Failed at step '${found.stage}'`)),
    failure(found),
    facts([
      ["Folder", content ? `${content.folder}: ${content.total} mails, ${content.unread} unread` : ""],
      ["TLS by MaCo", found.tls_version ? `${found.tls_version}, ${found.cipher}` : "none"],
      ["Vouched by", found.vouched_by],
      ["Took", `${found.duration_ms} ms`],
    ]),
    found.chain.length ? html("h3", {}, "Certificates that the server sent") : "",
    found.chain.length ? table(["Certificate", "Issued By", "Status"], found.chain.map(certificate)) : "",
  );
}

// An address without a port means 143.
function hostAndPort({ address }) {
  const [, host, port = "143"] = /^(.*?)(?::([0-9]+))?$/.exec(address);
  return { host, port: Number(port) };
}

const failure = ({ error, java_text, hint }) => facts([["Error", error], ["Java", java_text], ["Look at", hint]]);

const certificate = (each) => [html("strong", {}, commonName(each.subject)), commonName(each.issuer), validity(Date.parse(each.not_after))];
