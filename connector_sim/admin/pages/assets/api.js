// The calls of the REST API by the session's cookie: the token that belongs to it comes with each answer and goes back.

let token = "";

export class SessionOver extends Error {}

export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const get = async (path) => (await call("GET", path)).json();

export const CONNECTOR = "/api/v1/configuration/connector";
export const SUBACCOUNTS = "/api/v1/configuration/subaccounts";

export const ofSubaccount = ({ region, subaccount }) => `${SUBACCOUNTS}/${encodeURIComponent(region)}/${encodeURIComponent(subaccount)}`;

// What is there or null, where 404 says that there is none.
export async function getIfAny(path) {
  try {
    return await get(path);
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

// Sends JSON, a form, or nothing. Throws SessionOver, or a Refusal with what the connector said.
export async function call(method, path, content, more = {}) {
  const headers = token ? { "X-CSRF-Token": token, ...more } : { ...more };
  const isForm = content instanceof FormData;
  if (content !== undefined && !isForm) headers["Content-Type"] = "application/json";
  const response = await fetch(path, { method, headers, body: isForm || content === undefined ? content : JSON.stringify(content) });
  token = response.headers.get("X-Csrf-Token") ?? token;
  // The login page is what the product answers once a session is over.
  if (response.headers.get("Content-Type")?.startsWith("text/html")) throw new SessionOver("The session is over: sign in again.");
  if (!response.ok) throw new Refusal(response.status, (await refusalOf(response)) || `HTTP ${response.status}`);
  return response;
}

async function refusalOf(response) {
  try {
    return (await response.json()).message;
  } catch {
    return "";
  }
}

export function form(parts) {
  const made = new FormData();
  for (const [name, value] of Object.entries(parts)) {
    for (const each of Array.isArray(value) ? value : [value]) made.append(name, each);
  }
  return made;
}
