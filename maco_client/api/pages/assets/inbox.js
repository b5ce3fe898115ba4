// The inbox: the mails that MaCo has fetched, a page at a time.

import { call, get } from "./api.js";
import { tellAbout } from "./dialog.js";
import { html, mark, table } from "./dom.js";
import { saveAs } from "./saving.js";
import { at, bytes } from "./shown.js";
import { button, card, head, signButton } from "./views.js";

const LIMIT = 50;
const LONGEST_SHOWN = 200_000;

let after = 0;

export async function inbox(session) {
  const { mails, more } = await get(`/api/inbox?after=${after}&limit=${LIMIT}`);
  const turn = (to) => {
    after = to;
    return session.changed("");
  };
  return [
    head("Inbox", "What was fetched, each mail once.", button("Download all (mbox)", async () => saveAs("inbox.mbox", await call("GET", "/api/inbox.mbox")))),
    card(
      after ? `Mails after number ${after}` : "Mails",
      [after ? button("First", () => turn(0)) : null, more ? button(`Next (${more} more)`, () => turn(mails.at(-1).id), { id: "next" }) : null],
      mails.length
        ? table(["No.", "Subject", "Email Connection", "User", "Stored", "Size", "Actions"], mails.map(row))
        : html("p", { class: "empty" }, after ? "There are no more." : "No mail was fetched yet."),
    ),
  ];
}

function row(each) {
  const problems = each.problems.map((words) => html("span", { class: "under" }, mark("clear", words)));
  const copy = each.duplicate_of ? html("span", { class: "under" }, mark("clear", `the same as number ${each.duplicate_of}`)) : null;
  return [
    String(each.id),
    html("span", {}, html("strong", {}, each.subject || "no subject"), copy, problems),
    each.connection,
    html("span", {}, each.mailbox.user, html("span", { class: "under" }, each.mailbox.folder)),
    at(Date.parse(each.stored_at)),
    bytes(each.size),
    html(
      "div",
      { class: "acts" },
      signButton("info", "Show", () => show(each), { of: `mail ${each.id}` }),
      signButton("down", "Download", async () => saveAs(`${each.id}.eml`, await raw(each)), { of: `mail ${each.id}` }),
    ),
  ];
}

const raw = (each) => call("GET", `/api/inbox/${each.id}/raw`);

async function show(each) {
  const mail = await get(`/api/inbox/${each.id}`);
  const text = mail.text.length > LONGEST_SHOWN ? `${mail.text.slice(0, LONGEST_SHOWN)}\n…` : mail.text;
  const lines = [
    ...mail.headers.map((field) => `${field.name}: ${field.value}`),
    "",
    text,
    ...mail.attachments.map((part) => `[${part.name}, ${part.content_type}, ${bytes(part.size)}]`),
    ...mail.properties.map((property) => `{${property.name}: ${bytes(property.size)}}`),
    ...mail.problems.map((problem) => `! ${problem}`),
  ];
  tellAbout(each.subject || "no subject", html("pre", { class: "log", tabindex: "0", "aria-label": "The mail as MaCo hands it on" }, lines.join("\n")));
}
