// One of the connector's own certificates: shown, made, signed by others, or uploaded.

import { call, form, getIfAny } from "./api.js";
import { ask, confirm } from "./dialog.js";
import { facts, html, mono } from "./dom.js";
import { saveAs } from "./saving.js";
import { at, spaced, validity } from "./shown.js";
import { button, card } from "./views.js";

const SUBJECT = { name: "subjectDN", label: "Subject DN", required: true, value: "CN=cloud-connector,O=Stadtwerke,C=DE" };
const KEY_SIZE = { name: "keySize", label: "Key Size", type: "select", options: [["4096", "4096 bits"], ["2048", "2048 bits"]], value: "4096" };

// about: { title, path, lead, fileName, canBeDeleted }
export async function ownCertificate(session, about) {
  const found = await getIfAny(about.path);
  const acts = session.may("connector") ? changing(session, about, found) : [];
  const shown = found
    ? facts([
        ["Status", validity(found.notAfterTimeStamp)],
        ["Subject DN", spaced(found.subjectDN)],
        ["Issuer", found.issuer === found.subjectDN ? "itself" : spaced(found.issuer)],
        ["Valid From", at(found.notBeforeTimeStamp)],
        ["Valid To", at(found.notAfterTimeStamp)],
        ["Serial Number", mono(found.serialNumber)],
      ])
    : html("p", { class: "empty" }, "There is none.");
  const download = async () => saveAs(about.fileName, await call("GET", about.path, undefined, { Accept: "application/pkix-cert" }));
  return card(about.title, [...acts, found ? button("Download", download, { of: about.title }) : null], html("p", {}, about.lead), shown);
}

function changing(session, about, found) {
  const act = (words, click) => button(words, click, { of: about.title });
  return [
    act("Create self-signed", () => makeSelfSigned(session, about)),
    act("Create signing request", () => makeRequest(about)),
    act("Upload signed", () => uploadSigned(session, about)),
    act("Upload PKCS#12", () => uploadPkcs12(session, about)),
    about.canBeDeleted && found ? act("Delete", () => remove(session, about)) : null,
  ];
}

const done = (session, about) => session.changed(`The ${about.title.toLowerCase().replace("ui", "UI")} is shown from the next handshake on.`);

function makeSelfSigned(session, about) {
  ask({
    title: "Create a self-signed certificate",
    lead: "Replaces what is there, for 365 days.",
    submit: "Create",
    fields: [SUBJECT, KEY_SIZE],
    act: async (filled) => {
      await call("POST", about.path, { type: "selfsigned", ...filled });
      await done(session, about);
    },
  });
}

function makeRequest(about) {
  ask({
    title: "Create a certificate signing request",
    lead: "What is in use stays until the signed certificate is uploaded.",
    submit: "Create",
    fields: [SUBJECT, KEY_SIZE],
    act: async (filled) => {
      const answer = await call("POST", about.path, { type: "csr", ...filled });
      const pem = await answer.clone().text();
      return html(
        "div",
        { class: "form-field" },
        html("p", {}, "Have this signed by your CA, then upload the certificate with its chain."),
        html("textarea", { readonly: "", rows: 10, "aria-label": "Certificate signing request" }, pem),
        html("div", { class: "acts" }, button("Download", () => saveAs("request.pem", answer))),
      );
    },
  });
}

function uploadSigned(session, about) {
  ask({
    title: "Upload the signed certificate",
    lead: "The answer to the last signing request: the certificate, then its intermediates, in PEM.",
    submit: "Upload",
    fields: [{ name: "signedCertificate", label: "Signed Certificate", type: "file", required: true }],
    act: async (filled) => {
      await call("PATCH", about.path, form(filled));
      await done(session, about);
    },
  });
}

function uploadPkcs12(session, about) {
  ask({
    title: "Upload PKCS#12",
    submit: "Upload",
    fields: [
      { name: "pkcs12", label: "PKCS#12 file", type: "file", required: true, attributes: { accept: ".p12,.pfx" } },
      { name: "password", label: "Password", type: "password" },
    ],
    act: async (filled) => {
      await call("PUT", about.path, form(filled));
      await done(session, about);
    },
  });
}

function remove(session, about) {
  confirm({
    title: `Delete the ${about.title.toLowerCase()}?`,
    lead: "A back end that wants a client certificate will refuse the connector.",
    submit: "Delete",
    act: async () => {
      await call("DELETE", about.path);
      await session.changed("It is deleted.");
    },
  });
}
