// The log files: which there are, and what is in them.

import { call, get } from "./api.js";
import { tellAbout } from "./dialog.js";
import { html, mono, table } from "./dom.js";
import { saveAs } from "./saving.js";
import { at, bytes } from "./shown.js";
import { card, signButton } from "./views.js";

const LONGEST_SHOWN = 100_000;

export async function logFiles(session) {
  const files = await get("/maco-lab/logFiles");
  const row = (each) => [
    at(each.lastModifiedTimeStamp),
    mono(each.name),
    bytes(each.size),
    session.may("logs")
      ? html(
          "div",
          { class: "acts" },
          signButton("info", "Show", () => show(each), { of: each.name }),
          signButton("down", "Download", async () => saveAs(each.name.split("/").pop(), await content(each)), { of: each.name }),
        )
      : "",
  ];
  return card(
    `Files (${files.length})`,
    [],
    files.length ? table(["Last Modified", "File Name", "File Size", "Actions"], files.map(row)) : html("p", { class: "empty" }, "Nothing was written yet."),
  );
}

const content = (each) => call("GET", `/maco-lab/logFiles/${encodeURIComponent(each.name)}`);

async function show(each) {
  const text = await (await content(each)).text();
  tellAbout(each.name, html("pre", { class: "log", tabindex: "0", "aria-label": "The end of the file" }, text.slice(-LONGEST_SHOWN)));
}
