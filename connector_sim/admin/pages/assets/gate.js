// Signing in, and the change of the initial password that comes first.

import { call, CONNECTOR, get } from "./api.js";
import { html, mark, replace } from "./dom.js";
import { field, filledIn } from "./form.js";

const SESSION = "/maco-lab/session";

// Who is signed in; `user` is null if nobody is.
export const whoAmI = () => get(SESSION);

export const signOut = () => call("DELETE", SESSION);

// Shows the form and resolves once somebody has signed in with a password that need not be changed.
export async function signedIn(main, told = "") {
  const who = await submitted(main, {
    title: "Sign in",
    lead: "The user is Administrator and the password manage, unless the lab file says otherwise.",
    fields: [
      { name: "user", label: "User Name", required: true, attributes: { autocomplete: "username" } },
      { name: "password", label: "Password", type: "password", required: true, attributes: { autocomplete: "current-password" } },
    ],
    submit: "Sign in",
    told,
    act: async (filled) => (await call("POST", SESSION, filled)).json(),
  });
  return who.mustChangePassword ? passwordChanged(main, who) : who;
}

// Shows the form for the initial password, which must be changed before anything else.
export async function passwordChanged(main, { user }) {
  await submitted(main, {
    title: "Change the initial password",
    lead: "Nothing else can be done before. A lab that keeps its state keeps the new password; any other begins with the initial one again.",
    fields: passwordFields(user),
    submit: "Change password",
    act: changePassword,
  });
  return whoAmI();
}

// The first field is for whoever keeps passwords for the user.
export const passwordFields = (user) => [
  { name: "user", label: "User Name", value: user, required: true, attributes: { autocomplete: "username", readonly: "" } },
  { name: "oldPassword", label: "Current Password", type: "password", required: true, attributes: { autocomplete: "current-password" } },
  { name: "newPassword", label: "New Password", type: "password", required: true, attributes: { autocomplete: "new-password" } },
  { name: "again", label: "Repeat New Password", type: "password", required: true, attributes: { autocomplete: "new-password" } },
];

export async function changePassword({ oldPassword, newPassword, again }) {
  if (newPassword !== again) throw new Error("The two new passwords differ.");
  await call("PUT", `${CONNECTOR}/authentication/basic`, { oldPassword, newPassword });
}

function submitted(main, { title, lead, fields, submit, told, act }) {
  return new Promise((resolve) => {
    const alert = html("p", { class: "problem", role: "alert" }, told ? mark("failed", told) : null);
    const form = html("form", {}, fields.map(field), alert, html("button", { class: "primary" }, submit));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        resolve(await act(filledIn(form)));
      } catch (error) {
        alert.replaceChildren(mark("failed", error.message));
      }
    });
    replace(main, html("section", { class: "card gate" }, html("h2", {}, title), html("p", {}, lead), form));
    form.querySelector("input").focus();
  });
}
