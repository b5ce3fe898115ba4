// Lets the browser save what a server answered.

import { html } from "./dom.js";

export async function saveAs(name, response) {
  const address = URL.createObjectURL(await response.blob());
  html("a", { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}
