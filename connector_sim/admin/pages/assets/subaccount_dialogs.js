// Add, edit and delete a subaccount; renew its certificate.

import { call, ofSubaccount, SUBACCOUNTS } from "./api.js";
import { ask, confirm } from "./dialog.js";
import { button } from "./views.js";

const LOCATION_HINT = "Tells several connectors of one subaccount apart. MaCo's e-mail server must name the same one.";

const user = { name: "user", label: "Subaccount User", required: true, hint: "A user of the cloud who may add subaccounts; \"users\" of the lab file's cloud.", attributes: { autocomplete: "off" } };
const password = { name: "password", label: "Password", type: "password", required: true, attributes: { autocomplete: "off" } };

const authenticationData = {
  name: "authenticationData",
  label: "Authentication Data",
  type: "password",
  required: true,
  hint: "What the cloud's token service hands out to a user who may add subaccounts; valid for a few minutes.",
  attributes: { autocomplete: "off" },
};
const autoRenewal = (value) => ({
  name: "autoCertRenewal",
  label: "Auto Renewal of the subaccount certificate",
  type: "checkbox",
  value,
  hint: "Kept and shown: the lab renews no certificate by itself.",
});

const own = (each) => ofSubaccount({ region: each.regionHost, subaccount: each.subaccount });

export function addSubaccount(session) {
  const region = session.who().regionHost;
  ask({
    title: "Add Subaccount",
    lead: "The connector makes a key, has the cloud sign a certificate for it in the user's name, and opens the tunnel.",
    submit: "Add",
    fields: [
      { name: "regionHost", label: "Region", value: region, required: true, hint: `The lab has one region: ${region}.` },
      { name: "subaccount", label: "Subaccount", required: true, hint: "Its ID, in small letters." },
      { name: "displayName", label: "Display Name" },
      user,
      password,
      { name: "locationID", label: "Location ID", hint: LOCATION_HINT, attributes: { placeholder: "none: the default location" } },
      { name: "description", label: "Description" },
      autoRenewal(true),
    ],
    act: async ({ user: cloudUser, password: cloudPassword, ...filled }) => {
      await add(session, { ...filled, cloudUser, cloudPassword });
    },
  });
}

export function addByAuthenticationData(session) {
  ask({
    title: "Add by Authentication Data",
    lead: "Region, subaccount and user are those that the data was made for.",
    submit: "Add",
    fields: [
      authenticationData,
      { name: "displayName", label: "Display Name" },
      { name: "locationID", label: "Location ID", hint: LOCATION_HINT, attributes: { placeholder: "none: the default location" } },
      { name: "description", label: "Description" },
      autoRenewal(true),
    ],
    act: (filled) => add(session, filled),
  });
}

async function add(session, content) {
  const added = await (await call("POST", SUBACCOUNTS, content)).json();
  location.hash = `#/subaccount/${encodeURIComponent(added.regionHost)}/${encodeURIComponent(added.subaccount)}`;
  await session.changed("The subaccount is added.");
}

export function editSubaccount(session, each) {
  ask({
    title: `Edit Subaccount ${each.subaccount}`,
    lead: "Another location ID moves the tunnel at once.",
    fields: [
      { name: "displayName", label: "Display Name", value: each.displayName },
      { name: "locationID", label: "Location ID", value: each.locationID, hint: LOCATION_HINT },
      { name: "description", label: "Description", value: each.description ?? "" },
      autoRenewal(each.autoCertRenewal),
    ],
    act: async (filled) => {
      await call("PUT", own(each), filled);
      await session.changed("The subaccount is saved.");
    },
  });
}

export function deleteSubaccount(session, each) {
  confirm({
    title: `Delete Subaccount ${each.subaccount}?`,
    lead: "Its tunnel ends, and its mappings are forgotten.",
    submit: "Delete",
    act: async () => {
      await call("DELETE", own(each));
      location.hash = "#/connector";
      await session.changed("The subaccount is deleted.");
    },
  });
}

export function renewals(session, each) {
  return [
    renewal(session, each, "Renew certificate", [{ ...user, value: each.tunnel.user }, password]),
    renewal(session, each, "Renew by authentication data", [authenticationData]),
  ];
}

function renewal(session, each, words, fields) {
  const renew = () =>
    ask({
      title: `Renew the certificate of ${each.subaccount}`,
      lead: "The cloud signs a new one; it is shown from the next handshake on. What is up stays up.",
      submit: "Renew",
      fields,
      act: async (filled) => {
        await call("POST", `${own(each)}/validity`, filled);
        await session.changed("The certificate is renewed.");
      },
    });
  return button(words, renew);
}
