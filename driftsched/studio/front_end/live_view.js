// ----------------------------------------------------------------------------------- live view
// A run as its figures were up to a moment, which is played, or follows a run that still grows.

const SPEEDS = [0.5, 1, 2, 5, 10, 50, 200, 1000];
const WHOLE_RUN_S = 20; // the speed chosen at first plays a run in about so long
const MAX_SPEED_S = 3; // "max" plays it in so long
const DRAW_EVERY_MS = 66; // plots are drawn about 15 times a second, not at every frame

const COUNTED = ["finished", "waiting", "running", "failed", "rejected"];
const COLUMNS = [...COUNTED, "median", "p99"];

/** The page's live views: recorded runs beside each other are looked at at one moment. */
const together = new Set();
let lookedAt = Number(/^#at=([\d.]+)$/.exec(location.hash)?.[1] ?? Infinity);

function tellAddress() {
  const at = lookedAt < Infinity ? `#at=${lookedAt.toFixed(1)}` : "";
  if (location.hash !== at) history.replaceState(history.state, "", location.pathname + location.search + at);
}

/** How many of the sorted values are at or before the limit. */
function countUpTo(values, limit) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Main figures of lines, for those who hear them: of each the last one. */
const spoken = (data) =>
  data
    .filter(({ name, y }) => name && y?.length)
    .map(({ name, y }) => `${name} ${(y.findLast((one) => one !== null) ?? 0).toLocaleString("en", { maximumSignificantDigits: 3 })}`)
    .join(", ");

const seconds = (value) => `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toPrecision(2)} s`;

function quantile(sorted, share) {
  const place = (sorted.length - 1) * share;
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
}

/** Upright dashed lines at P50 and P99; one label where two would touch. */
function percentileLines(p50, p99) {
  const apart = p99 > 1.4 * p50;
  const line = { color: GREY, width: 1, dash: "dash" };
  const upright = (at, text) => ({
    type: "line", x0: at, x1: at, y0: 0, y1: 1, yref: "y domain", line,
    label: { text, textposition: "end", textangle: 0, xanchor: "right", yanchor: "bottom", font: { size: 11 } },
  });
  return [upright(p50, apart ? "P50" : ""), upright(p99, apart ? "P99" : "P50 · P99")];
}

class LiveView {
  constructor(root) {
    this.root = root;
    this.part = (selector) => root.querySelector(selector);
    this.plots = {};
    for (const figure of root.querySelectorAll("[data-panel]")) {
      this.plots[figure.dataset.panel] = new Plot(root, figure.querySelector(".ds-plot"));
    }
    this.time = 0;
    this.playing = this.following = false;
    this.latencyAs = "histogram";
    this.hidden = new Set();
    this.focused = "";
    together.add(this);
    this.listen();
    this.resizing = new ResizeObserver(() => Object.values(this.plots).forEach((plot) => plot.resize()));
    this.resizing.observe(this.part(".ds-grid"));
  }

  remove() {
    together.delete(this);
    this.playing = false;
    cancelAnimationFrame(this.frame);
    this.resizing.disconnect();
    for (const plot of Object.values(this.plots)) plot.remove();
  }

  // ---- data

  /** Take the run, all of it so far; of the same run what is looked at stays. */
  take(text) {
    this.theme = themeOf(this.root);
    this.shown = {}; // what each plot shows has to be drawn anew
    if (text !== this.text) {
      this.text = text;
      this.takeRun(JSON.parse(text));
    }
    this.draw();
    if (!this.run.live) tellAddress(); // a change of the page's link has left it out
    this.root.classList.add("ds-taken");
  }

  takeRun(run) {
    const known = this.run?.id === run.id;
    this.run = run;
    for (const figure of Object.values(run.figures)) recognised(figure, run.id);
    if (!known) {
      this.following = this.playing = !run.done;
      this.offerSpeeds();
    }
    // the finished picture first; of another run of the page the moment that was looked at
    if (this.following || (!known && run.live)) this.time = run.duration;
    else if (!known) this.time = lookedAt;
    this.time = Math.min(this.time, run.duration);
    if (run.done && this.following) this.following = this.playing = false;
    this.root.setAttribute("aria-label", `Live view: ${run.title}`);
    this.root.style.setProperty("--ds-plot-height", `${run.plotHeight}px`);
    this.part(".ds-badge").hidden = !run.live;
    this.note("running", run.figures.running.data.length > 1 ? "dotted: KV cache used" : "requests in the GPUs");
    this.focus();
    this.makeTable();
    this.makeLegend();
  }

  /** Show the tenant in focus alone; one of very many is part of the last line. */
  focus() {
    const { focus, latency } = this.run;
    if (focus === this.focused) return;
    this.focused = focus;
    const groups = Object.keys(latency);
    const shown = groups.includes(focus) ? focus : groups.at(-1);
    for (const group of groups) {
      if (focus && group !== shown) this.hidden.add(group);
      else this.hidden.delete(group);
    }
  }

  /** Keep the moment, in the page's address too; what else is on the page goes there. */
  look() {
    lookedAt = this.time < this.run.duration ? this.time : Infinity;
    for (const other of together) {
      if (other === this || !other.run?.done) continue;
      other.playing = false;
      other.time = Math.min(lookedAt, other.run.duration);
      other.draw();
    }
    if (!this.playing && !this.run.live) tellAddress();
  }

  note(panel, text) {
    this.part(`[data-panel="${panel}"] .ds-note`).textContent = text;
  }

  // ---- plots

  /** Bring everything to the present time. */
  draw() {
    if (!this.run) return;
    this.tell();
    const until = countUpTo(this.run.time_s, this.time);
    const x = this.run.time_s.slice(0, until);
    const lines = ({ y }) => ({ x, y: y.slice(0, until) });
    for (const panel of ["queue", "running", "drift"]) this.drawPanel(panel, panel, until, lines);
    this.drawLatency();
  }

  drawPanel(panel, name, until, points) {
    const figure = this.run.figures[name];
    const shows = [name, until, ...this.hidden].join("/");
    if (this.shown[panel] === shows) return;
    this.shown[panel] = shows;
    const data = figure.data.map((trace) => ({ ...trace, ...points(trace), visible: !this.hidden.has(trace.legendgroup) }));
    const { node } = this.plots[panel];
    node.parentElement.setAttribute("aria-label", `${figure.layout.meta.title}: ${spoken(data)}`);
    this.plots[panel].draw({ ...figure, data }, this.theme, this.toolsOf(name, figure)).then(() => {
      if (panel !== "latency" || node.listening || !node.on) return;
      node.listening = true;
      node.on("plotly_click", (event) => this.choose(event));
    });
  }

  /** Config of a figure's plot; with another object plotly.js would make the plot anew. */
  toolsOf(name, figure) {
    const { config } = this.run;
    const image = { ...config.toImageButtonOptions, filename: `driftsched-live-${name}` };
    this.tools ??= {};
    return (this.tools[`${name}.${image.format}`] ??= {
      ...config,
      toImageButtonOptions: image,
      modeBarButtonsToRemove: [...config.modeBarButtonsToRemove, "toImage"],
      modeBarButtonsToAdd: [camera(image, figure.layout.meta)],
    });
  }

  /** A bar or a point of the latencies was clicked: choose the request nearest to it. */
  choose({ points: [{ data, x }] }) {
    const { e2e_s, request_id } = this.run.latency[data.legendgroup] ?? { e2e_s: [] };
    const far = e2e_s.map((latency) => Math.abs(Math.log(latency / x)));
    const place = far.indexOf(Math.min(...far));
    if (place >= 0) this.tellServer("request", request_id[place]);
  }

  drawLatency() {
    const { latency, figures } = this.run;
    const known = {}; // tenant → latencies of those that have finished
    for (const [name, { finish_s, e2e_s }] of Object.entries(latency)) {
      known[name] = e2e_s.slice(0, countUpTo(finish_s, this.time)).sort((a, b) => a - b);
    }
    const ordered = (groups) => groups.flatMap((group) => known[group]).sort((a, b) => a - b);
    const groups = Object.keys(known);
    const all = ordered(groups.filter((group) => !this.hidden.has(group)));
    const name = this.latencyAs;
    const [p50, p99] = [0.5, 0.99].map((share) => quantile(all, share));
    figures[name].layout.shapes = all.length ? percentileLines(p50, p99) : [];
    this.drawPanel("latency", name, all.length, ({ x, legendgroup }) => {
      const sorted = known[legendgroup];
      const below = x.map((limit) => countUpTo(sorted, limit));
      if (name === "cdf") return { y: below.map((count) => (sorted.length ? (100 * count) / sorted.length : null)) };
      return { y: below.map((count, place) => (below[place + 1] ?? count) - (place ? count : 0)) };
    });
    const finished = this.run.counts.finished.at(-1);
    const whole = Object.values(latency).reduce((sum, { e2e_s }) => sum + e2e_s.length, 0);
    const sampled = whole < finished ? ` · ${whole.toLocaleString("en")} sampled` : "";
    this.tellLatencies({ "": ordered(groups), ...known });
    this.note("latency", all.length ? `P50 ${seconds(p50)} · P99 ${seconds(p99)}${sampled}` : "none finished yet");
    for (const button of this.root.querySelectorAll(".ds-toggle button")) {
      button.setAttribute("aria-pressed", String(button.dataset.do === name));
    }
  }

  // ---- table and legend

  makeTable() {
    const body = this.part(".ds-table tbody");
    const { queue } = this.run.figures;
    const named = Object.fromEntries(queue.data.map((trace) => [trace.legendgroup, trace]));
    this.cells = {}; // tenant, "" for all → column → cell
    const row = (group, head) => {
      const line = body.insertRow();
      const first = Object.assign(document.createElement("th"), { scope: "row" });
      first.append(head);
      line.append(first);
      this.cells[group] = {};
      for (const column of COLUMNS) {
        const cell = (this.cells[group][column] = line.insertCell());
        if (!group) cell.dataset.count = column;
      }
    };
    body.replaceChildren();
    row("", "All");
    for (const group of Object.keys(this.run.latency)) row(group, this.legendButton(named[group]));
  }

  tellCounts(place) {
    const { counts, tenants } = this.run;
    for (const [group, cells] of Object.entries(this.cells)) {
      const levels = group ? (tenants[group] ?? {}) : counts;
      for (const column of COUNTED) cells[column].textContent = (levels[column]?.[place] ?? 0).toLocaleString("en");
    }
  }

  tellLatencies(known) {
    for (const [group, cells] of Object.entries(this.cells)) {
      const sorted = known[group] ?? [];
      cells.median.textContent = sorted.length ? seconds(quantile(sorted, 0.5)) : "–";
      cells.p99.textContent = sorted.length ? seconds(quantile(sorted, 0.99)) : "–";
    }
  }

  makeLegend() {
    const named = new Map(this.run.figures.drift.data.map((trace) => [trace.legendgroup, trace]));
    this.part(".ds-legend").hidden = !named.size;
    this.part(".ds-legend span").replaceChildren(...[...named.values()].map((trace) => this.legendButton(trace)));
  }

  legendButton({ legendgroup, line }) {
    const button = document.createElement("button");
    const press = () => button.setAttribute("aria-pressed", String(!this.hidden.has(legendgroup)));
    button.type = "button";
    button.textContent = legendgroup.slice(legendgroup.indexOf(":") + 1);
    button.title = "Show or hide";
    button.style.setProperty("--ds-colour", line.color);
    button.onclick = () => {
      if (!this.hidden.delete(legendgroup)) this.hidden.add(legendgroup);
      press();
      this.draw();
    };
    press();
    return button;
  }

  // ---- playing

  listen() {
    const latencyAs = (name) => () => {
      this.latencyAs = name;
      this.draw();
    };
    const actions = {
      start: () => this.seek(0),
      play: () => this.toggle(),
      step: () => this.step(1),
      follow: () => this.follow(),
      histogram: latencyAs("histogram"),
      cdf: latencyAs("cdf"),
    };
    for (const button of this.root.querySelectorAll("button[data-do]")) {
      button.onclick = () => this.run && actions[button.dataset.do]();
    }
    this.part(".ds-scrub").oninput = (event) => this.seek((Number(event.target.value) / 1000) * this.run.duration);
    this.root.tabIndex = 0;
    this.root.onkeydown = (event) => this.key(event);
  }

  key(event) {
    const { tagName } = event.target;
    if (!this.run || event.ctrlKey || event.metaKey || event.altKey || tagName === "SELECT") return;
    const keys = {
      ArrowRight: () => this.step(1),
      ArrowLeft: () => this.step(-1),
      Home: () => this.seek(0),
      End: () => this.seek(this.run.duration),
    };
    // a focused button is pressed by Space itself
    if (tagName !== "BUTTON") keys[" "] = () => this.toggle();
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    const { run } = this;
    if (this.time >= run.duration && !run.done) return this.follow();
    if (this.time >= run.duration) this.time = 0;
    this.playing = true;
    this.following = false;
    this.draw();
    this.lastFrame = this.lastDraw = performance.now();
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame((now) => this.tick(now));
  }

  pause() {
    this.playing = this.following = false;
    cancelAnimationFrame(this.frame);
    this.draw();
    this.look();
  }

  follow() {
    cancelAnimationFrame(this.frame);
    this.time = this.run.duration;
    this.playing = this.following = !this.run.done;
    this.draw();
  }

  step(frames) {
    const grid = this.run.time_s;
    const here = countUpTo(grid, this.time) - 1;
    this.playing = this.following = false;
    this.seek(grid[Math.min(Math.max(here + frames, 0), grid.length - 1)]);
  }

  seek(time) {
    this.time = Math.min(Math.max(time, 0), this.run.duration);
    this.lastFrame = performance.now();
    // leaving the present: go on from there, at the chosen speed
    if (this.following) this.play();
    else this.draw();
    this.look();
  }

  tick(now) {
    if (!this.playing || this.following) return;
    // a hidden tab gets no frames: then go on where it was instead of leaping
    const passed = Math.min(Math.max(now - this.lastFrame, 0), 250) / 1000;
    this.lastFrame = now;
    this.time = Math.min(this.time + passed * this.speed(), this.run.duration);
    const ended = this.time >= this.run.duration;
    if (ended) this.playing = this.following = !this.run.done;
    if (ended || now - this.lastDraw >= DRAW_EVERY_MS) {
      this.lastDraw = now;
      this.draw();
      this.look();
    }
    if (!ended) this.frame = requestAnimationFrame((next) => this.tick(next));
  }

  speed() {
    const chosen = this.part(".ds-speed").value;
    return chosen === "max" ? Math.max(this.run.duration / MAX_SPEED_S, 50) : Number(chosen);
  }

  offerSpeeds() {
    const wanted = this.run.done ? this.run.duration / WHOLE_RUN_S : 1;
    const far = (speed) => Math.abs(Math.log(speed / Math.max(wanted, 0.1)));
    const option = (value, text) => Object.assign(document.createElement("option"), { value, textContent: text });
    const select = this.part(".ds-speed");
    select.replaceChildren(...SPEEDS.map((speed) => option(String(speed), `${speed}×`)), option("max", "max"));
    select.value = String(SPEEDS.reduce((best, speed) => (far(speed) < far(best) ? speed : best)));
  }

  /** Bring labels, counters and controls to the present time. */
  tell() {
    const { run, time } = this;
    const label = `${time.toFixed(1)} s / ${run.duration.toFixed(1)} s`;
    this.part(".ds-time").textContent = label;
    const scrub = this.part(".ds-scrub");
    scrub.value = String(run.duration ? (1000 * time) / run.duration : 1000);
    scrub.setAttribute("aria-valuetext", label);
    const place = countUpTo(run.time_s, time) - 1;
    this.tellCounts(place);
    this.root.classList.toggle("ds-playing", this.playing);
    this.root.classList.toggle("ds-following", this.following);
    const button = this.part(".ds-play");
    button.setAttribute("aria-label", this.playing ? "Pause" : "Play");
    button.title = this.playing ? "Pause (Space)" : "Play (Space)";
    this.part(".ds-badge").textContent = run.done ? "Finished" : "Live";
  }
}

export const liveView = component(LiveView, ".ds-live");
