// The page where people sign in. Nothing is sent before a tap: scanners of mails open links, too.
"use strict";

const part = (id) => document.getElementById(id);
const tell = (text) => { part("told").textContent = text; };

// The secret leaves the address bar and the history at once; the page keeps it until the tap.
let secret = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

async function call(method, path, body) {
  const answer = await fetch(`/api/auth/${path}`, {
    method,
    headers: body === undefined && method === "GET" ? {} : { "Content-Type": "application/json" },
    body: method === "GET" ? undefined : JSON.stringify(body ?? {}),
  });
  const read = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) {
    const error = new Error(read.remedy ? `${read.error}: ${read.remedy}` : read.error);
    throw Object.assign(error, { code: read.code });
  }
  return read;
}

async function prove(path) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON((await call("POST", `${path}/options`)).options);
  const credential = await navigator.credentials.get({ publicKey });
  return call("POST", path, { credential: credential.toJSON() });
}

/** Does what takes a fresh check, and shows a passkey first where that is needed. */
async function checked(work) {
  try {
    return await work();
  } catch (error) {
    if (error.code !== "fresh_check_needed") throw error;
    const { passkeys } = await call("GET", "passkeys");
    if (passkeys.length === 0) throw error;
    await prove("check");
    return work();
  }
}

function show(name) {
  for (const id of ["with-link", "outside", "inside"]) part(id).hidden = id !== name;
}

async function look() {
  if (secret) {
    tell("Tap to sign in with this link.");
    show("with-link");
    return;
  }
  try {
    const found = await call("GET", "session");
    tell(`${found.name} is signed in.`);
    show("inside");
  } catch {
    tell("");
    show("outside");
  }
}

function on(id, event, work) {
  part(id).addEventListener(event, async (what) => {
    what.preventDefault();
    try {
      await work();
    } catch (error) {
      tell(error.message);
    }
  });
}

on("redeem", "click", async () => {
  const given = secret;
  secret = "";
  try {
    await call("POST", "redeem", { secret: given });
  } catch (error) {
    show("outside");
    throw error;
  }
  await look();
});
on("ask", "submit", async () => {
  tell((await call("POST", "link", { address: part("address").value })).message);
});
on("out", "click", async () => {
  await call("POST", "sign-out");
  await look();
});
on("passkey", "click", async () => {
  await prove("passkey");
  await look();
});
on("add", "click", async () => {
  const asked = await checked(() => call("POST", "passkey/new"));
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked.options);
  const credential = await navigator.credentials.create({ publicKey });
  await call("POST", "passkeys", { name: navigator.platform || "passkey", credential: credential.toJSON() });
  tell("The passkey is added.");
});
window.addEventListener("hashchange", () => {
  secret = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  look();
});
look();
