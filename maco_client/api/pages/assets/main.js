// Shows the menu and the view that the address names.

import { html, redraw, replace } from "./dom.js";
import { connections } from "./connections.js";
import { credentials } from "./credentials.js";
import { inbox } from "./inbox.js";
import { keyStore } from "./key_store.js";
import { pollNow } from "./polling.js";
import { servers } from "./servers.js";
import { button, Views } from "./views.js";

const at = (id) => document.getElementById(id);

const MENU = [
  ["Trust and logins", [["#/key-store", "Key Store"], ["#/credentials", "Security Material"]]],
  ["Mail", [["#/servers", "Email Servers"], ["#/connections", "Email Connections"], ["#/inbox", "Inbox"]]],
];

// What a view gets.
const session = {
  act: (begun, act) => views.act(begun, act),
  changed: (words) => views.show().then(() => views.tell(words)),
};

const withSession = (view) => () => view(session);

const views = new Views(at("main"), at("told"), (error) => views.tell(error.message), [
  [/^#\/key-store$/, withSession(keyStore)],
  [/^#\/credentials$/, withSession(credentials)],
  [/^#\/servers$/, withSession(servers)],
  [/^#\/connections$/, withSession(connections)],
  [/^#\/inbox$/, withSession(inbox)],
]);

async function show({ focus = false } = {}) {
  redraw(at("menu"), menu);
  if (!(await views.show({ focus }))) location.hash = "#/key-store";
}

function menu() {
  const link = ([hash, words]) => html("a", { href: hash, "data-id": hash, "aria-current": location.hash === hash ? "page" : null }, words);
  return MENU.flatMap(([title, links]) => [html("p", { class: "menu-title" }, title), ...links.map(link)]);
}

function openMenu(is) {
  at("menu").classList.toggle("open", is);
  at("menu-button").setAttribute("aria-expanded", is);
}

replace(
  at("own-acts"),
  button("Refresh", () => show().catch((error) => views.tell(error.message))),
  button("Poll now", () => pollNow(session), { kind: "primary" }),
);
at("menu-button").addEventListener("click", () => openMenu(!at("menu").classList.contains("open")));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the fragment names the view
  at("main").focus();
});
window.addEventListener("hashchange", () => {
  openMenu(false);
  views.tell("");
  show({ focus: true }).catch((error) => views.tell(error.message));
});
window.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  views.tell(event.reason.message);
});

show({ focus: true }).catch((error) => views.tell(error.message));
