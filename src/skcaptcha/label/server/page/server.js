// Requests to the server. The token is sent in a header, which other pages cannot set.

// Never sent, so that another server on the same port cannot learn it.
const key = document.querySelector("meta[name=key]").content;
let token = new URLSearchParams(location.search).get("token") ?? "";
let known = true; // false when another server may have taken the port
const PATIENCE = 15000; // milliseconds
const KEPT_PICTURES = 30;
const KEPT_TABS = 10;

/** The server does not respond; it may or may not have processed the request. */
export class Unreachable extends Error {}

/** The server rejected the request. */
export class Refused extends Error {
  constructor(status, answer) {
    super(answer.error);
    this.status = status;
    this.theirs = answer.theirs ?? null;
  }
}

async function request(path, body) {
  if (!known) await recognize();
  const response = await send(path, body);
  if (response.status !== 403) return response;
  await recognize(); // each start of the server has a new token
  return send(path, body);
}

/** Get the token of the server that replaced a killed one, after it has proved that it knows the key. */
async function recognize() {
  const nonce = crypto.randomUUID();
  const server = await resume({ nonce });
  if (!server.proof || server.proof !== (await sign("server", nonce, server.nonce))) throw new Refused(403, {});
  const page = await resume({ nonce, proof: await sign("page", nonce, server.nonce) });
  if (!page.token) throw new Refused(403, {});
  token = page.token;
  known = true;
  history.replaceState(null, "", `/?token=${token}`);
}

async function resume(body) {
  try {
    return await (await send("resume", body, {})).json();
  } catch (error) {
    if (error instanceof Unreachable) throw error;
    return {}; // not JSON: another server
  }
}

async function sign(signer, nonce, serverNonce) {
  const bytes = (text) => new TextEncoder().encode(text);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const secret = await crypto.subtle.importKey("raw", bytes(key), algorithm, false, ["sign"]);
  const message = [signer, location.host, nonce, serverNonce].join("\n");
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", secret, bytes(message)));
  return Array.from(signature, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function send(path, body, identity = { Authorization: `Bearer ${token}` }) {
  try {
    return await fetch(`/api/${path}`, {
      method: body ? "POST" : "GET",
      headers: { ...identity, ...(body && { "Content-Type": "application/json" }) },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch {
    known = false;
    throw new Unreachable();
  }
}

/** Send a request and return the response; a request with a body may change something. */
export async function ask(path, body) {
  const response = await request(path, body);
  let answer;
  try {
    const text = await response.text();
    answer = response.headers.get("content-type") === "application/json" ? JSON.parse(text) : { error: text };
  } catch {
    known = false;
    throw new Unreachable(); // the server was killed while it responded
  }
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

const pictures = new Map();

/** Fetch an image, once: { url, width, height }, or { problem } if it cannot be shown. */
export function picture(id) {
  if (!pictures.has(id)) {
    pictures.set(id, fetchPicture(id).catch((error) => {
      pictures.delete(id);
      throw error;
    }));
    for (const old of [...pictures.keys()].slice(0, -KEPT_PICTURES)) {
      pictures.get(old).then(({ url }) => url && URL.revokeObjectURL(url), () => {});
      pictures.delete(old);
    }
  }
  return pictures.get(id);
}

async function fetchPicture(id) {
  const response = await request(`images/${id}`);
  if (response.status === 422) return { problem: (await response.json()).error };
  if (response.status === 403) throw new Refused(403, { error: await response.text() });
  // An image that fails must not block all others.
  if (!response.ok) return { problem: `the server could not send it (${response.status})` };
  let blob;
  try {
    blob = await response.blob();
  } catch {
    known = false;
    throw new Unreachable();
  }
  const image = new Image();
  image.src = URL.createObjectURL(blob);
  try {
    await image.decode();
  } catch {
    return { problem: "the browser cannot decode it" };
  }
  return { url: image.src, width: image.naturalWidth, height: image.naturalHeight };
}

/** Return the name of this tab: the same after a reload, the name of a closed tab, or a new one. */
export async function tabName() {
  const known = knownTabs();
  for (const name of [...known, crypto.randomUUID()]) {
    if (await isFree(name)) {
      remember(name, known);
      return name;
    }
  }
}

// Browsers may refuse to store values, and servers that used this port before may have stored others.

function knownTabs() {
  try {
    const names = [sessionStorage.getItem("tab"), ...JSON.parse(localStorage.getItem("labeling tabs") ?? "[]")];
    return names.filter((name) => name && typeof name === "string");
  } catch {
    return [];
  }
}

function remember(name, known) {
  try {
    sessionStorage.setItem("tab", name);
    const names = [...new Set([...known, name])].slice(-KEPT_TABS);
    localStorage.setItem("labeling tabs", JSON.stringify(names));
  } catch {
    // After a reload, this is a new tab.
  }
}

function isFree(name) {
  return new Promise((resolve) => {
    navigator.locks.request(`tab ${name}`, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock && new Promise(() => {}); // held until the tab is closed
    }).catch(() => resolve(true));
  });
}
