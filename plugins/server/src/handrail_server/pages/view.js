// Everything that one answer shows. Whatever a model writes is put in as text or as sanitised Markdown.
import { Chart, element } from "./chart.js";
import { rendered } from "./markdown.js";

const at = (id) => document.getElementById(id);
const seconds = (value) => `${value.toFixed(2)} s`;
const STATES = { finished: "finished", blocked: "blocked", failed: "failed", left: "stopped" };

export class View {
  constructor(dialect) {
    this.began = performance.now(); // the clock starts with the request
    this.dialect = dialect;
    this.text = "";
    this.withdrawn = [];
    this.held = 0;
    this.calls = [];
    this.over = false;
    for (const id of ["answer", "reasoning", "calls", "notes"]) at(id).replaceChildren();
    for (const id of ["first", "total", "held", "checks", "prompt", "completion"]) at(id).textContent = "–";
    at("thoughts").hidden = at("unread").hidden = true;
    at("chart").hidden = !dialect.traces;
    at("untold").hidden = dialect.traces;
    at("verdict").hidden = true;
    this.chart = new Chart();
    this.state("waiting", "waiting for the model");
    this.tick();
  }

  elapsed() {
    return (performance.now() - this.began) / 1000;
  }

  // Time goes on also while nothing comes.
  tick() {
    if (this.over) return;
    this.chart.draw(this.elapsed());
    setTimeout(() => this.tick(), 100);
  }

  take(news) {
    if (news.trace) this.trace(news.trace);
    if (news.retraction) this.withdrawn.push([news.retraction.start, news.retraction.end]);
    if (news.reasoning) this.reason(news.reasoning);
    if (news.text) this.say(news.text);
    if (news.refusal && !this.text.endsWith(news.refusal)) this.say(news.refusal);
    if (news.call) this.call(news.call);
    if (news.usage) this.usage(news.usage);
    if (news.end) this.ended(news.end, news.guardrails);
    this.draw();
  }

  say(text) {
    if (!this.text) at("first").textContent = seconds(this.elapsed());
    this.text += text;
    if (!this.held && !this.over) this.state("streaming", "streaming");
  }

  reason(text) {
    at("thoughts").hidden = false;
    at("reasoning").append(text);
  }

  call({ index, name, said }) {
    const call = (this.calls[index] ??= { name: "", said: "" });
    call.name ||= name ?? "";
    call.said += said;
    const items = this.calls.map((each) => {
      const item = element("li", "");
      item.append(element("span", "name", each.name), " ", element("span", "said", each.said));
      return item;
    });
    at("calls").replaceChildren(...items.filter(Boolean));
  }

  trace(trace) {
    this.chart.take(trace);
    this.held = trace.held;
    for (const check of trace.checks) if (!["allow", "cancelled"].includes(check.decision)) this.note(check);
    if (!this.over) this.state(this.held ? "holding" : "streaming", this.held ? `holding ${this.held} characters` : "streaming");
  }

  note({ rail, decision, reason, category, to }) {
    const what = { rewrite: "redacted", block: "stopped it", failed: "could not check" }[decision] ?? decision;
    const why = [reason, category && `(${category})`].filter(Boolean).join(" ");
    at("notes").append(element("li", "", `${seconds(to)}: ${rail} ${what}${why ? `: ${why}` : ""}`));
  }

  usage({ prompt, completion }) {
    at("prompt").textContent = prompt;
    at("completion").textContent = completion;
  }

  ended(reason, guardrails) {
    at("total").textContent = seconds(this.elapsed());
    const blocked = guardrails.blocked;
    if (!blocked) return this.finish("finished", `Finished (${reason}). ${this.cleared(guardrails.withheld ?? [])}`);
    const why = [blocked.reason, blocked.category && `(${blocked.category})`].filter(Boolean).join(" ");
    const what = blocked.direction === "input" ? "your message" : "the answer";
    this.finish("blocked", `${blocked.rail} stopped ${what}${why ? `: ${why}` : ""}.`);
  }

  // What can be said of what was shown: only of channels that a rail has read.
  cleared(withheld) {
    const said = [];
    if (this.dialect.traces) {
      const read = new Set(this.chart.checks.filter(({ direction }) => direction === "output").map(({ channel = "text" }) => channel));
      const shown = { text: this.text, reasoning: at("reasoning").textContent, tool_calls: this.calls.length };
      const open = Object.keys(shown).filter((name) => shown[name] && !read.has(name));
      at("unread").hidden = !open.includes("reasoning");
      if (!read.size) said.push("No rail was asked.");
      else if (!open.length) said.push("Every character was cleared.");
      else said.push(`Not read by any rail: ${open.join(", ").replace("_", " ")}.`);
    }
    if (withheld.length) said.push(`Withheld, as no rail reads it: ${withheld.join(", ")}.`);
    return said.join(" ");
  }

  failed(message) {
    this.finish("failed", `Failed: ${message}`);
  }

  finish(kind, text) {
    this.over = true;
    this.held = 0;
    this.chart.finish(this.elapsed());
    at("verdict").hidden = false;
    at("verdict").className = kind;
    at("verdict").textContent = text;
    this.state(kind, STATES[kind]);
    this.draw();
  }

  state(kind, text) {
    at("state").className = `pill ${kind}`;
    at("state").textContent = text;
  }

  draw() {
    const box = at("scroll");
    const follows = box.scrollTop + box.clientHeight > box.scrollHeight - 40; // else somebody reads further up
    this.drawText();
    at("held").textContent = this.dialect.traces ? `${this.held} characters` : "not told";
    at("checks").textContent = this.dialect.traces ? this.chart.checks.length : "not told";
    this.chart.draw(this.elapsed());
    if (follows) box.scrollTop = box.scrollHeight;
  }

  // Offsets are characters of the delivered text, counted in code points as the server counts. Text of which some was
  // withdrawn is shown as it is written: Markdown has no offsets.
  drawText() {
    const parts = this.withdrawn.length ? this.struck() : this.text ? [rendered(this.text)] : [];
    if (this.held) {
      const grey = element("span", "held", "x".repeat(Math.min(this.held, 2000)).replace(/(.{7})/g, "$1 "));
      grey.setAttribute("aria-label", `${this.held} characters held`);
      grey.setAttribute("role", "img");
      parts.push(grey);
    }
    at("answer").replaceChildren(...parts);
  }

  struck() {
    const points = [...this.text];
    const parts = [];
    let from = 0;
    for (const [start, end] of this.withdrawn.sort(([one], [other]) => one - other)) {
      if (end <= from) continue; // a part of what was withdrawn already
      parts.push(points.slice(from, start).join(""), element("span", "withdrawn", points.slice(Math.max(from, start), end).join("")));
      from = end;
    }
    parts.push(points.slice(from).join(""));
    const whole = element("div", "raw");
    whole.append(...parts);
    return [whole];
  }
}
