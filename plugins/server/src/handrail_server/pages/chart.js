// What the rails did over time: how much was held, and a lane of checks for each rail.
// Checks of one rail that overlap in time lie below one another, so that each is seen.
const at = (id) => document.getElementById(id);
const seconds = (value) => `${value.toFixed(2)} s`;

export class Chart {
  constructor() {
    this.checks = [];
    this.running = [];
    this.waiting = [[0, 0]];
    this.end = 0.5;
    this.stopped = false;
    this.draw();
  }

  take({ held, checks, running = [], at: now }) {
    this.holds(held, now);
    this.running = running;
    for (const check of checks) {
      this.checks.push(check);
      this.end = Math.max(this.end, check.to);
    }
  }

  holds(held, now) {
    if (this.stopped) return;
    this.waiting.push([now, held]);
    this.end = Math.max(this.end, now);
  }

  // After an end nothing is held, whatever is still told of it; behind a block, nothing since the block.
  finish(now) {
    const stop = this.checks.find(({ decision }) => decision === "block" || decision === "failed");
    if (stop) this.waiting = this.waiting.filter(([when]) => when < stop.to);
    this.holds(0, stop ? stop.to : now);
    this.running = [];
    this.stopped = true;
  }

  // The server's clock and the page's begin with the request; what runs is drawn up to now.
  draw(now = 0) {
    if (!this.stopped) this.end = Math.max(this.end, now);
    at("axis-end").textContent = seconds(this.end);
    const most = Math.max(1, ...this.waiting.map(([, held]) => held));
    const steps = this.waiting.map(([when, held]) => `H${(100 * when) / this.end}V${96 - (90 * held) / most}`);
    at("waiting").firstElementChild.setAttribute("d", `M0 96${steps.join("")}H100V96Z`);
    const open = this.running.map((check) => ({ ...check, decision: "running", to: Math.max(check.from, this.end) }));
    const lanes = Map.groupBy([...this.checks, ...open], (check) => laneOf(check));
    at("lanes").replaceChildren(...[...lanes].map(([name, checks]) => this.lane(name, checks)));
  }

  lane(name, checks) {
    const track = element("div", "track");
    const rows = stacked(checks);
    track.style.height = `${0.4 + 1.2 * rows.length}rem`;
    track.setAttribute("role", "img");
    track.setAttribute("aria-label", `${checks.length} checks by ${name}`);
    rows.forEach((row, number) => {
      for (const check of row) {
        const bar = element("span", `check ${check.decision}`);
        bar.style.top = `${0.2 + 1.2 * number}rem`;
        bar.style.left = `${(100 * check.from) / this.end}%`;
        bar.style.width = `${(100 * (check.to - check.from)) / this.end}%`;
        bar.title = `${check.decision}, ${check.characters} characters, ${seconds(check.to - check.from)}`;
        track.append(bar);
      }
    });
    const lane = element("div", "row lane");
    lane.append(element("span", "name", name), track);
    return lane;
  }
}

function laneOf({ direction, rail, channel = "text" }) {
  return `${direction}: ${rail}${channel === "text" ? "" : ` (${channel.replace("_", " ")})`}`;
}

// Rows in which no check overlaps another.
function stacked(checks) {
  const rows = [];
  for (const check of [...checks].sort((one, other) => one.from - other.from)) {
    const free = rows.find((row) => row.at(-1).to <= check.from);
    if (free) free.push(check);
    else rows.push([check]);
  }
  return rows;
}

export function element(tag, kind, text = "") {
  const made = document.createElement(tag);
  made.className = kind;
  made.textContent = text;
  return made;
}
