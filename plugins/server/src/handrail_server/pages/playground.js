// The playground: asks this server as any client would, and draws what comes back.
import { element } from "./chart.js";
import { dialects, events } from "./dialects.js";
import { rendered } from "./markdown.js";
import { View } from "./view.js";

const at = (id) => document.getElementById(id);
const FIELDS = ["message", "config", "dialect"]; // of a link; a key is never among them

let running = null;
let turns = []; // messages of the conversation so far

function headers() {
  const key = at("key").value;
  return { "Content-Type": "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}) };
}

async function loadConfigurations() {
  const response = await fetch("v1/rails/configs", { headers: headers() });
  if (!response.ok) return;
  const chosen = at("config").value || wanted.get("config");
  const found = await response.json();
  at("config").replaceChildren(...found.map(({ id }) => new Option(id, id, id === chosen, id === chosen)));
}

async function ask() {
  running?.abort();
  const dialect = dialects[at("dialect").value];
  if (!at("config").value) await loadConfigurations(); // a key that was typed just now
  keepTurn();
  const messages = [...turns, { role: "user", content: at("message").value }];
  const view = new View(dialect);
  const control = (running = new AbortController());
  at("stop").disabled = false;
  try {
    const body = JSON.stringify(dialect.body(at("config").value, messages));
    const response = await fetch(dialect.path, { method: "POST", headers: headers(), body, signal: control.signal });
    if (!response.ok) return refused(view, await response.json(), response.status);
    await read(response.body, new dialect(), view);
    if (!view.over) view.failed("the answer broke off");
    shown = { messages, text: view.text, kind: at("verdict").className };
    at("anew").disabled = false;
  } catch (error) {
    if (control.signal.aborted) view.finish("left", "Stopped by you: the model was stopped too.");
    else view.failed(error.message);
  } finally {
    if (running === control) {
      running = null;
      at("stop").disabled = true;
    }
  }
}

async function read(body, reader, view) {
  for await (const event of events(body)) {
    const error = event.error ?? event.response?.error;
    if (error?.code === "content_retracted") continue; // drawn already: what is withdrawn is struck out
    if (error) return view.failed(error.message);
    for (const news of reader.news(event)) view.take(news);
  }
}

function refused(view, { error }, status) {
  view.failed(error.message);
  if (status === 401) at("key").focus();
}

let shown = null; // the answer on the page, once it is complete

// What was asked and answered becomes a part of the conversation when the next message is sent.
function keepTurn() {
  if (shown?.kind === "finished" && shown.text) {
    turns = [...shown.messages, { role: "assistant", content: shown.text }];
    at("turns").replaceChildren(
      ...turns.map(({ role, content }) => {
        const item = element("li", role);
        item.append(role === "user" ? content : rendered(content));
        return item;
      }),
    );
  }
  shown = null;
}

function beginAnew() {
  running?.abort();
  turns = [];
  shown = null;
  at("turns").replaceChildren();
  for (const id of ["answer", "reasoning", "calls", "notes"]) at(id).replaceChildren();
  at("verdict").hidden = at("thoughts").hidden = true;
  at("state").textContent = "";
  at("anew").disabled = true;
  at("message").focus();
}

// A link says what is asked, behind a '#', which browsers send to nobody.
async function copyLink() {
  const fields = new URLSearchParams(FIELDS.map((name) => [name, at(name).value]));
  history.replaceState(null, "", `#${fields}`);
  try {
    await navigator.clipboard.writeText(location.href);
    at("copied").textContent = "The link is copied.";
  } catch {
    at("copied").textContent = "The link is in the address bar.";
  }
}

const wanted = new URLSearchParams(location.hash.slice(1));
at("dialect").replaceChildren(...Object.entries(dialects).map(([name, { title }]) => new Option(title, name)));
if (wanted.has("message")) at("message").value = wanted.get("message");
if (Object.hasOwn(dialects, wanted.get("dialect"))) at("dialect").value = wanted.get("dialect");

at("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
at("stop").addEventListener("click", () => running?.abort());
at("anew").addEventListener("click", beginAnew);
at("link").addEventListener("click", copyLink);
at("key").addEventListener("change", loadConfigurations);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("ask").requestSubmit();
  if (event.key === "Escape") running?.abort();
});
loadConfigurations();
