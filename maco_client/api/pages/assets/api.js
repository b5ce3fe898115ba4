// The calls of MaCo's API. A refusal becomes an Error with the text that MaCo gave.

export const get = async (path) => (await call("GET", path)).json();

// Sends JSON, a file as it is, or nothing.
export async function call(method, path, content) {
  const isFile = content instanceof Blob;
  const headers = content === undefined ? {} : { "Content-Type": isFile ? "application/x-pem-file" : "application/json" };
  const response = await fetch(path, { method, headers, body: isFile || content === undefined ? content : JSON.stringify(content) });
  if (!response.ok) throw new Error((await refusalOf(response)) || `HTTP ${response.status}`);
  return response;
}

async function refusalOf(response) {
  try {
    return (await response.json()).error;
  } catch {
    return "";
  }
}

export const named = (path, name) => `${path}/${encodeURIComponent(name)}`;
