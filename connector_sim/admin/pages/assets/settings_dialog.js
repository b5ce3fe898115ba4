// A dialog that changes a few settings of a section of the API.

import { call } from "./api.js";
import { ask } from "./dialog.js";
import { button } from "./views.js";

export function settingsButton(session, { words = "Edit", title, path, fields }) {
  const edit = () =>
    ask({
      title,
      fields,
      act: async (filled) => {
        await call("PATCH", path, filled);
        await session.changed("The settings are saved.");
      },
    });
  return button(words, edit, { of: title });
}
