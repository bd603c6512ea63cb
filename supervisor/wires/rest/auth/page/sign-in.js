// The page where people sign in. Nothing is sent before a tap: scanners of mails open links, too.
"use strict";

const part = (id) => document.getElementById(id);
const tell = (text) => { part("told").textContent = text; };

// What is secret leaves the address bar and the history at once. The page keeps a link's secret until the tap.
let secret = location.hash.slice(1);
const [, service] = location.pathname.split("/oidc/");
const brought = new URLSearchParams(location.search);
history.replaceState(null, "", "/sign-in");

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

async function offer() {
  const ways = await call("GET", "ways");
  part("ask").hidden = !ways.links.length;
  part("no-links").hidden = Boolean(ways.links.length);
  part("services").replaceChildren(...ways.oidc.map(({ name, label }) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    on(button, "click", async () => {
      location.assign((await call("POST", `oidc/${name}`)).url);
    });
    return button;
  }));
}

// A service has sent the browser back. Nobody else can have made this URL: its state fits to a cookie of this browser.
async function comeBack() {
  const given = Object.fromEntries(["state", "code", "error", "iss"].map((name) => [name, brought.get(name) ?? ""]));
  tell("Signing in.");
  try {
    await call("POST", `oidc/${service}/back`, given);
    location.replace("/");
  } catch (error) {
    show("outside");
    tell(error.message);
  }
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

function on(what, event, work) {
  what.addEventListener(event, async (happened) => {
    happened.preventDefault();
    try {
      await work();
    } catch (error) {
      tell(error.message);
    }
  });
}

on(part("redeem"), "click", async () => {
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
on(part("ask"), "submit", async () => {
  tell((await call("POST", "link", { address: part("address").value })).message);
});
on(part("out"), "click", async () => {
  await call("POST", "sign-out");
  await look();
});
on(part("passkey"), "click", async () => {
  await prove("passkey");
  await look();
});
on(part("add"), "click", async () => {
  const asked = await checked(() => call("POST", "passkey/new"));
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked.options);
  const credential = await navigator.credentials.create({ publicKey });
  await call("POST", "passkeys", { name: navigator.platform || "passkey", credential: credential.toJSON() });
  tell("The passkey is added.");
});
window.addEventListener("hashchange", () => {
  secret = location.hash.slice(1);
  history.replaceState(null, "", "/sign-in");
  look();
});
offer().catch((error) => tell(error.message));
if (service) comeBack();
else look();
