// Way A in Node.js: SOCKS5 with SAP's authentication method 0x80 (npm package "socks"), then IMAP with STARTTLS.
//
// It finds its service binding as every application on BTP does: in the environment (VCAP_SERVICES), or while it is
// developed in the file default-env.json of the current folder.
//
// In one terminal: maco-lab up --certs pki, then maco-lab send. In another:
//   maco-lab env --state ../../.maco-lab --format default-env --out default-env.json
//   npm install; node fetch-mail.mjs ../../pki/root.pem

import { readFileSync } from "node:fs";
import tls from "node:tls";
import { SocksClient } from "socks";

const env = process.env;
const binding = services().connectivity[0].credentials;
const virtualHost = { host: "mail.stadtwerke.example", port: 143 };
const locationId = env.LOCATION_ID ?? "WERK1";
const user = env.MAIL_USER ?? "strom@stadtwerke.example";
const password = env.MAIL_PASSWORD ?? "Strom4711Postfach";
const ca = readFileSync(process.argv[2]);

function services() {
  if (env.VCAP_SERVICES) return JSON.parse(env.VCAP_SERVICES);
  return JSON.parse(readFileSync("default-env.json", "utf8")).VCAP_SERVICES;
}

async function fetchToken() {
  const answer = await fetch(`${binding.token_service_url}/oauth/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: binding.clientid,
      client_secret: binding.clientsecret,
    }),
  });
  if (!answer.ok) throw new Error(`token service: ${answer.status}`);
  return (await answer.json()).access_token;
}

// Version 1, token length (4 bytes), token, length of the location ID (1 byte), location ID in base64.
function authentication(token) {
  const id = Buffer.from(Buffer.from(locationId).toString("base64"));
  const head = Buffer.from([1, 0, 0, 0, 0]);
  head.writeUInt32BE(Buffer.byteLength(token), 1);
  return Buffer.concat([head, Buffer.from(token), Buffer.from([id.length]), id]);
}

async function dial(token) {
  const { socket } = await SocksClient.createConnection({
    command: "connect",
    destination: virtualHost,
    proxy: {
      host: binding.onpremise_proxy_host,
      port: Number(binding.onpremise_socks5_proxy_port),
      type: 5,
      custom_auth_method: 0x80,
      custom_auth_request_handler: async () => authentication(token),
      custom_auth_response_size: 2,
      custom_auth_response_handler: async (answer) => answer[1] === 0,
    },
  });
  return socket;
}

// Just enough IMAP: send a command, return everything up to the line that begins with its tag. Between two commands the
// socket is paused, so that nothing is lost when TLS takes it over.
function ask(socket, tag, command) {
  return new Promise((resolve, reject) => {
    let text = "";
    const take = (data) => {
      text += data.toString("latin1");
      const end = text.match(new RegExp(`^${tag} (\\S+).*\r\n$`, "m"));
      if (!end) return;
      socket.pause();
      socket.off("data", take).off("error", reject).off("close", lost);
      if (end[1] === "OK") resolve(text);
      else reject(new Error(text));
    };
    const lost = () => reject(new Error(`the connection was closed after: ${text}`));
    socket.on("data", take).on("error", reject).on("close", lost);
    if (command) socket.write(`${tag} ${command}\r\n`);
    socket.resume();
  });
}

async function startTls(socket) {
  await ask(socket, "a1", "STARTTLS");
  const secure = tls.connect({ socket, servername: virtualHost.host, ca });
  await new Promise((resolve, reject) => secure.once("secureConnect", resolve).once("error", reject));
  return secure;
}

const socket = await dial(await fetchToken());
await ask(socket, "\\*"); // the greeting
const secure = await startTls(socket);
await ask(secure, "a2", `LOGIN "${user}" "${password}"`);
await ask(secure, "a3", "SELECT INBOX");
process.stdout.write(await ask(secure, "a4", "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])"));
console.log(`${secure.getProtocol()} with ${secure.getPeerCertificate().subject.CN}, verified: ${secure.authorized}`);
secure.end("a5 LOGOUT\r\n");
secure.resume();
