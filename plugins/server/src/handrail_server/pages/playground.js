// The playground: asks this server as any OpenAI client would, and draws what comes back.
// Whatever a model writes is put in as text, never as HTML.
const at = (id) => document.getElementById(id);
const seconds = (value) => `${value.toFixed(2)} s`;

let running = null;

async function loadConfigurations() {
  const response = await fetch("v1/rails/configs", { headers: headers() });
  if (!response.ok) return;
  const chosen = at("config").value;
  at("config").replaceChildren(...(await response.json()).map(({ id }) => new Option(id, id, false, id === chosen)));
}

function headers() {
  const key = at("key").value;
  return { "Content-Type": "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}) };
}

// Everything that one answer shows.
class View {
  constructor() {
    this.began = performance.now();
    this.text = "";
    this.withdrawn = [];
    this.held = 0;
    this.checks = [];
    this.calls = [];
    this.waiting = [[0, 0]];
    this.end = 0.5;
    for (const id of ["answer", "reasoning", "calls", "lanes", "notes"]) at(id).replaceChildren();
    for (const id of ["first", "total", "held", "checks", "prompt", "completion"]) at(id).textContent = "–";
    at("thoughts").hidden = true;
    this.verdict("", "");
    this.state("waiting", "waiting for the model");
    this.draw();
  }

  elapsed() {
    return (performance.now() - this.began) / 1000;
  }

  take(chunk) {
    if (chunk.error?.code === "content_retracted") return; // drawn already: what is withdrawn is struck out
    if (chunk.error) return this.failed(chunk.error.message);
    const guardrails = chunk.guardrails ?? {};
    if (guardrails.trace) this.trace(guardrails.trace);
    if (guardrails.retraction?.channel === "text") this.withdrawn.push([guardrails.retraction.start, guardrails.retraction.end]);
    if (chunk.usage) this.usage(chunk.usage);
    for (const choice of chunk.choices ?? []) this.choice(choice, guardrails);
    this.draw();
  }

  failed(message) {
    this.holds(0, this.elapsed());
    this.draw();
    this.verdict("failed", `Failed: ${message}`);
  }

  choice({ delta, finish_reason: reason }, guardrails) {
    if (delta.reasoning_content) {
      at("thoughts").hidden = false;
      at("reasoning").append(delta.reasoning_content);
    }
    if (delta.content) {
      if (!this.text) at("first").textContent = seconds(this.elapsed());
      this.text += delta.content;
    }
    for (const call of delta.tool_calls ?? []) this.call(call);
    if (!reason) return;
    this.holds(0, this.elapsed());
    at("total").textContent = seconds(this.elapsed());
    const blocked = guardrails.blocked;
    if (blocked) {
      const why = [blocked.reason, blocked.category && `(${blocked.category})`].filter(Boolean).join(" ");
      const what = blocked.direction === "input" ? "your message" : "the answer";
      this.verdict("blocked", `${blocked.rail} stopped ${what}${why ? `: ${why}` : ""}.`);
    } else {
      const checked = this.checks.length ? "Every character was cleared." : "No rail was asked.";
      const withheld = guardrails.withheld?.length ? ` Withheld, as no rail reads it: ${guardrails.withheld.join(", ")}.` : "";
      this.verdict("finished", `Finished (${reason}). ${checked}${withheld}`);
    }
  }

  call({ index, function: said, custom }) {
    const { name, arguments: json, input } = said ?? custom ?? {};
    const call = (this.calls[index] ??= { name: "", said: "" });
    call.name ||= name ?? "";
    call.said += json ?? input ?? "";
    at("calls").replaceChildren(
      ...this.calls.map((each) => {
        const item = document.createElement("li");
        item.append(span("name", each.name), " ", span("said", each.said));
        return item;
      }),
    );
  }

  trace({ held, checks, at: now }) {
    this.holds(held, now);
    for (const check of checks) {
      this.checks.push(check);
      this.end = Math.max(this.end, check.to);
      if (!["allow", "cancelled"].includes(check.decision)) this.note(check);
    }
  }

  holds(held, now) {
    this.held = held;
    this.waiting.push([now, held]);
    this.end = Math.max(this.end, now);
    this.state(held ? "holding" : "streaming", held ? `holding ${held} characters` : "streaming");
  }

  note({ rail, decision, reason, category, to }) {
    const item = document.createElement("li");
    const what = { rewrite: "redacted", block: "stopped it", failed: "could not check" }[decision] ?? decision;
    const why = [reason, category && `(${category})`].filter(Boolean).join(" ");
    item.textContent = `${seconds(to)}: ${rail} ${what}${why ? `: ${why}` : ""}`;
    at("notes").append(item);
  }

  usage({ prompt_tokens: prompt, completion_tokens: completion }) {
    at("prompt").textContent = prompt;
    at("completion").textContent = completion;
  }

  verdict(kind, text) {
    at("verdict").hidden = !text;
    at("verdict").className = kind;
    at("verdict").textContent = text;
    if (text) this.state(kind, { finished: "finished", blocked: "blocked", failed: "failed", left: "stopped" }[kind]);
  }

  state(kind, text) {
    at("state").className = `pill ${kind}`;
    at("state").textContent = text;
  }

  draw() {
    this.drawText();
    at("held").textContent = `${this.held} characters`;
    at("checks").textContent = this.checks.length;
    at("axis-end").textContent = seconds(this.end);
    const most = Math.max(1, ...this.waiting.map(([, held]) => held));
    const steps = this.waiting.map(([when, held]) => `H${(100 * when) / this.end}V${96 - (90 * held) / most}`);
    at("waiting").firstElementChild.setAttribute("d", `M0 96${steps.join("")}H100V96Z`);
    const lanes = Map.groupBy(this.checks, (check) => `${check.direction}: ${check.rail}`);
    at("lanes").replaceChildren(...[...lanes].map(([name, checks]) => this.lane(name, checks)));
  }

  // Offsets are characters of the delivered text, counted in code points as the server counts.
  drawText() {
    const points = [...this.text];
    const parts = [];
    let from = 0;
    for (const [start, end] of this.withdrawn) {
      parts.push(points.slice(from, start).join(""), span("withdrawn", points.slice(start, end).join("")));
      from = end;
    }
    parts.push(points.slice(from).join(""));
    if (this.held) {
      const grey = span("held", "x".repeat(Math.min(this.held, 2000)).replace(/(.{7})/g, "$1 "));
      grey.setAttribute("aria-label", `${this.held} characters held`);
      grey.setAttribute("role", "img");
      parts.push(grey);
    }
    at("answer").replaceChildren(...parts);
  }

  lane(name, checks) {
    const lane = document.createElement("div");
    lane.className = "row lane";
    const track = document.createElement("div");
    track.className = "track";
    track.setAttribute("role", "img");
    track.setAttribute("aria-label", `${checks.length} checks by ${name}`);
    for (const check of checks) {
      const bar = span(`check ${check.decision}`, "");
      bar.style.left = `${(100 * check.from) / this.end}%`;
      bar.style.width = `${(100 * (check.to - check.from)) / this.end}%`;
      bar.title = `${check.decision}, ${check.characters} characters, ${seconds(check.to - check.from)}`;
      track.append(bar);
    }
    lane.append(span("name", name), track);
    return lane;
  }
}

function span(kind, text) {
  const element = document.createElement("span");
  element.className = kind;
  element.textContent = text;
  return element;
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      if (!part.startsWith("data: ")) continue;
      if (part === "data: [DONE]") return;
      yield JSON.parse(part.slice(6));
    }
  }
}

async function ask() {
  running?.abort();
  const view = new View();
  const control = (running = new AbortController());
  at("stop").disabled = false;
  const body = {
    model: at("config").value,
    messages: [{ role: "user", content: at("message").value }],
    stream: true,
    stream_options: { include_usage: true },
    guardrails: { trace: true },
  };
  try {
    const options = { method: "POST", headers: headers(), body: JSON.stringify(body), signal: control.signal };
    const response = await fetch("v1/chat/completions", options);
    if (!response.ok) return view.take(await response.json());
    for await (const chunk of events(response.body)) view.take(chunk);
  } catch (error) {
    view.failed(error.message);
    if (control.signal.aborted) view.verdict("left", "Stopped by you: the model was stopped too.");
  } finally {
    if (running === control) {
      running = null;
      at("stop").disabled = true;
    }
  }
}

at("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
at("stop").addEventListener("click", () => running?.abort());
at("key").addEventListener("change", loadConfigurations);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("ask").requestSubmit();
  if (event.key === "Escape") running?.abort();
});
loadConfigurations();
