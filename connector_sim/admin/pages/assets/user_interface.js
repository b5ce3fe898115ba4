// Configuration > User Interface: the certificate that these pages and the API show.

import { CONNECTOR } from "./api.js";
import { tabs } from "./on_premises.js";
import { ownCertificate } from "./own_certificate.js";
import { head } from "./views.js";

const UI = {
  title: "UI Certificate",
  path: `${CONNECTOR}/ui/uiCertificate`,
  lead: "What browsers and clients of the API see. After a new one the browser asks again whether you trust it.",
  fileName: "ui_certificate.der",
  canBeDeleted: false,
};

export async function userInterface(session) {
  return [head("Configuration"), tabs("user-interface"), await ownCertificate(session, UI)];
}
