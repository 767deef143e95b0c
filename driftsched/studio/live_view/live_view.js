// The live view: four plotly.js plots that are made once and then only given data.
//
// Streamlit calls the default export again, with the same parentElement, whenever `data` or the
// theme changes. Everything that must survive that is kept in one View for each parentElement.

const views = new WeakMap();
const SPEEDS = [0.5, 1, 2, 5, 10, 50];
const WHOLE_RUN_S = 20; // the speed chosen at first plays a run in about so long
const MAX_SPEED_S = 3; // "max" plays it in so long
const DRAW_EVERY_MS = 66; // plots are drawn about 15 times a second, not at every frame
const RESEND_EVERY_MS = 2000;
const TIME_PANELS = ["queue", "running", "drift"];

export default function ({ data, parentElement, setTriggerValue }) {
  let view = views.get(parentElement);
  if (!view || !view.root.isConnected) {
    view = new View(parentElement.querySelector(".ds-live"));
    views.set(parentElement, view);
  }
  view.ask = (have) => setTriggerValue("resend", have);
  view.take(data);
  // When two updates come close together Streamlit runs the clean-up of the first although the
  // component stays. So the view goes only when its element really has left the page.
  return () => setTimeout(() => parentElement.isConnected || view.remove());
}

// -------------------------------------------------------------------------------------- helpers

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

const largest = (values, least = 0) => values.reduce((top, value) => (value > top ? value : top), least);

const seconds = (value) => {
  if (value === null || value === undefined) return "–";
  return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toPrecision(2)} s`;
};

/** plotly.js reads some HTML in texts; names come from people. */
const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;");

function quantile(sorted, share) {
  if (!sorted.length) return null;
  const place = (sorted.length - 1) * share;
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
}

/** The 1-2-5 number nearest to a value, on a logarithmic scale. */
function niceSpeed(value) {
  const decade = 10 ** Math.floor(Math.log10(value));
  return nearest([1, 2, 5, 10].map((step) => step * decade), value);
}

function nearest(choices, value) {
  const distance = (choice) => Math.abs(Math.log(choice / value));
  return choices.reduce((best, choice) => (distance(choice) < distance(best) ? choice : best));
}

// ------------------------------------------------------------------------------------- the run

/** Copy a payload into a run that may grow. */
function newRun(payload) {
  const run = {
    id: payload.run_id,
    tenants: [],
    categories: [],
    queue: { time_s: [], waiting: {}, running: [], kv_used_share: null, rejected: [], failed: [], finished: [] },
    learning: {},
    latency: { finish_s: [], e2e_s: [], tenant: [] },
    marks: [],
  };
  if (payload.queue.kv_used_share) run.queue.kv_used_share = [];
  grow(run, payload);
  return run;
}

/** Append an increment; true when there are names or series that no plot has yet. */
function grow(run, payload) {
  const before = run.tenants.length + run.categories.length + Boolean(run.queue.kv_used_share);
  run.title = payload.title;
  run.mode = payload.mode;
  run.seq = payload.seq ?? 0;
  run.done = payload.mode === "recorded" || Boolean(payload.done);
  run.duration = Math.max(payload.duration_s, run.duration ?? 0);
  run.marks = payload.marks ?? [];
  addNames(run.tenants, payload.tenants);
  addNames(run.categories, payload.categories);
  growQueue(run, payload.queue);
  for (const [name, added] of Object.entries(payload.learning)) growLearning(run, name, added);
  growLatency(run, payload);
  return run.tenants.length + run.categories.length + Boolean(run.queue.kv_used_share) > before;
}

function addNames(known, named) {
  for (const one of named) {
    if (!known.some((other) => other.name === one.name)) known.push(one);
  }
}

function pushAll(target, values) {
  for (const value of values) target.push(value);
}

function padTo(values, length, filler) {
  while (values.length < length) values.push(filler);
}

function growQueue(run, added) {
  const queue = run.queue;
  const before = queue.time_s.length;
  pushAll(queue.time_s, added.time_s);
  for (const name of ["running", "rejected", "failed", "finished"]) pushAll(queue[name], added[name]);
  for (const { name } of run.tenants) {
    const levels = (queue.waiting[name] ??= []);
    padTo(levels, before, 0); // a tenant that appears late had an empty queue
    pushAll(levels, added.waiting[name] ?? added.time_s.map(() => 0));
  }
  if (added.kv_used_share || queue.kv_used_share) {
    queue.kv_used_share ??= [];
    padTo(queue.kv_used_share, before, null);
    pushAll(queue.kv_used_share, added.kv_used_share ?? added.time_s.map(() => null));
  }
}

function growLearning(run, name, added) {
  const series = (run.learning[name] ??= { time_s: [], bias: [], drift: [] });
  for (const column of ["time_s", "bias", "drift"]) pushAll(series[column], added[column]);
}

function growLatency(run, payload) {
  const { finish_s, e2e_s, tenant } = payload.latency;
  pushAll(run.latency.finish_s, finish_s);
  pushAll(run.latency.e2e_s, e2e_s);
  // places in the payload's own list of tenants, which may differ from ours
  const places = payload.tenants.map((one) => run.tenants.findIndex((known) => known.name === one.name));
  pushAll(run.latency.tenant, tenant.map((place) => places[place]));
}

// -------------------------------------------------------------------------------------- figures

function axis(title, more = {}) {
  return {
    title: { text: title, standoff: 6, font: { size: 12 } },
    gridcolor: "rgba(138,138,138,0.2)",
    zerolinecolor: "rgba(138,138,138,0.35)",
    automargin: true,
    nticks: 6,
    ...more,
  };
}

function baseLayout(theme, more) {
  const layout = {
    margin: { l: 44, r: 14, t: 18, b: 34 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { size: 12 },
    showlegend: false,
    hovermode: "x unified",
    hoverlabel: { namelength: -1 },
    ...more,
  };
  return withPaths(layout, themed(theme));
}

/** Fixed ranges for a run that is known as a whole: nothing jumps while it is played. */
function fixed(run, range) {
  return run.mode === "recorded" && range[1] > range[0] ? { range, autorange: false } : {};
}

function timeLayout(run, theme, least, top, more) {
  const range = fixed(run, [0, Math.max(least, top * 1.06)]);
  return baseLayout(theme, {
    xaxis: axis("Time (s)", { rangemode: "tozero", hoverformat: ".2f", ...fixed(run, [0, run.duration]) }),
    // small counts would get ticks between whole numbers
    yaxis: axis("", { rangemode: "tozero", autorangeoptions: { include: least }, ...range }),
    ...more,
  });
}

/** Vertical lines for the run's marks, with labels where `labelled`. */
function markParts(run, labelled) {
  const shapes = run.marks.map(({ time_s }) => ({
    type: "line", x0: time_s, x1: time_s, yref: "paper", y0: 0, y1: 1,
    line: { color: GREY, width: 1, dash: "dot" }, layer: "below",
  }));
  const annotations = [];
  let last = -Infinity;
  for (const { time_s, label } of labelled ? run.marks : []) {
    if (time_s - last < run.duration * 0.12) continue; // labels must not touch
    last = time_s;
    const text = plain(label.length > 18 ? `${label.slice(0, 17)}…` : label);
    annotations.push({
      x: time_s, y: 1, yref: "paper", xanchor: "left", yanchor: "bottom", text, showarrow: false,
      font: { size: 11, color: GREY },
    });
  }
  return { shapes, annotations };
}

function line(name, colour, more = {}) {
  const { line: style, ...rest } = more;
  return {
    type: "scatter", mode: "lines", name: plain(name), hovertemplate: "%{y:.4~g}",
    line: { color: colour, width: 1.8, ...style }, ...rest,
  };
}

/** The lines of the three time plots: where the data are and how they look. */
function timeSeries(run, theme) {
  const { queue } = run;
  const series = { queue: [], running: [], drift: [] };
  for (const { name, colour } of run.tenants) {
    const look = line(name, colour, { line: { shape: "hv" } });
    series.queue.push({ group: `t:${name}`, x: queue.time_s, y: queue.waiting[name], look });
  }
  const steps = line("Running", theme.text, { line: { shape: "hv", width: 1.6 } });
  series.running.push({ x: queue.time_s, y: queue.running, look: steps });
  if (queue.kv_used_share) {
    const share = { yaxis: "y2", hovertemplate: "%{y:.1%}", line: { width: 1.4, dash: "dot" } };
    const look = line("KV cache used", GREY, share);
    series.running.push({ x: queue.time_s, y: queue.kv_used_share, look });
  }
  for (const { name, colour } of run.categories) {
    const { time_s, bias, drift } = (run.learning[name] ??= { time_s: [], bias: [], drift: [] });
    const solid = line(`${name} bias`, colour, { line: { shape: "hv" } });
    const dotted = line(`${name} drift`, colour, { opacity: 0.75, line: { width: 1.4, dash: "dot" } });
    series.drift.push({ group: `c:${name}`, x: time_s, y: drift, look: dotted });
    series.drift.push({ group: `c:${name}`, x: time_s, y: bias, look: solid });
  }
  return series;
}

function layouts(run, theme, bins) {
  const waiting = Object.values(run.queue.waiting).map((values) => largest(values));
  const top = largest(Object.values(run.learning).flatMap(({ bias, drift }) => [...bias, ...drift]));
  const queue = timeLayout(run, theme, 5, largest(waiting), markParts(run, true));
  const running = timeLayout(run, theme, 5, largest(run.queue.running), markParts(run, false));
  if (run.queue.kv_used_share) {
    running.margin = { ...running.margin, r: 44 };
    running.yaxis2 = axis("", {
      overlaying: "y", side: "right", range: [0, 1.06], tickmode: "linear", tick0: 0, dtick: 0.25,
      tickformat: ".0%", showgrid: false, fixedrange: true,
    });
  }
  const drift = timeLayout(run, theme, 1.2, top, markParts(run, false));
  const one = { type: "line", xref: "paper", x0: 0, x1: 1, y0: 1, y1: 1, layer: "below" };
  drift.shapes = [...drift.shapes, { ...one, line: { color: GREY, width: 1, dash: "dash" } }];
  return { queue, running, drift, latency: latencyLayout(run, theme, bins) };
}

function latencyLayout(run, theme, bins) {
  return baseLayout(theme, {
    barmode: "stack",
    bargap: 0,
    hovermode: "closest",
    // a linear axis of log10(seconds): bars on plotly's own log axis have no even width
    xaxis: axis("End-to-end latency (s)", {
      tickmode: "array", tickvals: bins.ticks.map(Math.log10), ticktext: bins.ticks.map(String),
      zeroline: false, ...fixed(run, bins.range),
    }),
    yaxis: axis("", { rangemode: "tozero", ...fixed(run, [0, bins.top * 1.1 || 1]) }),
    yaxis2: { overlaying: "y", range: [0, 1], visible: false, fixedrange: true },
  });
}

// ------------------------------------------------------------------------------------- latencies

/** Bins of equal width in log10(seconds); as many as suit a run known as a whole. */
function latencyBins(run) {
  const values = run.latency.e2e_s.filter((value) => value > 0);
  const whole = run.mode === "recorded" && values.length > 0;
  const low = whole ? Math.log10(values.reduce((a, b) => Math.min(a, b))) : -1;
  const high = whole ? Math.log10(largest(values)) : 2;
  const perDecade = whole ? Math.min(40, Math.max(5, Math.round(32 / Math.max(high - low, 0.5)))) : 12;
  const narrow = high - low < 1.6;
  const ticks = [];
  for (let power = -4; power < 6; power += 1) {
    for (const step of narrow ? [1, 2, 3, 5] : [1, 3]) ticks.push(Number((step * 10 ** power).toPrecision(1)));
  }
  const bins = { perDecade, ticks, range: [low - 1.5 / perDecade, high + 1.5 / perDecade], top: 0 };
  if (whole) bins.top = largest(stackHeights(run, bins));
  return bins;
}

const binOf = (value, bins) => Math.floor(Math.log10(Math.max(value, 1e-4)) * bins.perDecade);

function stackHeights(run, bins) {
  const heights = new Map();
  for (const value of run.latency.e2e_s) {
    const bin = binOf(value, bins);
    heights.set(bin, (heights.get(bin) ?? 0) + 1);
  }
  return [...heights.values()];
}

/** Traces of the latency plot: bars, then curves, one of each a tenant, then the percentiles. */
function latencyLooks(run, bins) {
  const bars = run.tenants.map(({ name, colour }) => ({
    type: "bar", name: plain(name), marker: { color: colour, opacity: 0.85, line: { width: 0 } },
    width: 0.92 / bins.perDecade, hovertemplate: "%{customdata}: %{y} requests",
  }));
  const curves = run.tenants.map(({ name, colour }) =>
    line(name, colour, { customdata: [], hovertemplate: "%{y:.1%} within %{customdata}" }));
  const over = { type: "scatter", yaxis: "y2", hoverinfo: "skip" };
  const lines = { ...over, mode: "lines", line: { color: GREY, width: 1, dash: "dash" } };
  const words = { ...over, mode: "text", textposition: "top center", cliponaxis: false, textfont: { size: 11 } };
  // plotly.js fails when nothing at all lies on the axis that y2 overlays: a point that is none
  const anchor = { type: "scatter", hoverinfo: "skip" };
  return [...bars, ...curves, lines, words, anchor];
}

/** Data of the latency traces for the first `count` finished requests. */
function latencyData(run, bins, count) {
  const groups = run.tenants.map(() => []);
  for (let i = 0; i < count; i += 1) groups[run.latency.tenant[i]].push(run.latency.e2e_s[i]);
  for (const group of groups) group.sort((a, b) => a - b);
  const all = groups.flat().sort((a, b) => a - b);
  const p50 = quantile(all, 0.5);
  const p99 = quantile(all, 0.99);
  const traces = [...groups.map((group) => barData(group, bins)), ...groups.map(curveData)];
  traces.push(...percentileData(p50, p99), { x: [null], y: [null] });
  return { traces, p50, p99 };
}

function barData(values, bins) {
  const counts = new Map();
  for (const value of values) {
    const bin = binOf(value, bins);
    counts.set(bin, (counts.get(bin) ?? 0) + 1);
  }
  const edge = (bin) => 10 ** (bin / bins.perDecade);
  const found = [...counts.keys()].sort((a, b) => a - b);
  return {
    x: found.map((bin) => (bin + 0.5) / bins.perDecade),
    y: found.map((bin) => counts.get(bin)),
    customdata: found.map((bin) => `${seconds(edge(bin))} to ${seconds(edge(bin + 1))}`),
  };
}

function curveData(values) {
  const stride = Math.max(1, Math.floor(values.length / 200));
  const kept = values.map((_, i) => i).filter((i) => i % stride === 0 || i === values.length - 1);
  return {
    x: kept.map((i) => Math.log10(Math.max(values[i], 1e-4))),
    y: kept.map((i) => (i + 1) / values.length),
    customdata: kept.map((i) => seconds(values[i])),
  };
}

/** The two upright lines, and the words above them. */
function percentileData(p50, p99) {
  if (p50 === null) return [{}, {}];
  const [a, b] = [p50, p99].map((value) => Math.log10(Math.max(value, 1e-4)));
  const lines = { x: [a, a, null, b, b], y: [0, 0.97, null, 0, 0.97] };
  const apart = b - a > 0.12; // else the two words would touch
  const words = apart ? { x: [a, b], text: ["P50", "P99"] } : { x: [b], text: ["P50 · P99"] };
  return [lines, { ...words, y: words.x.map(() => 0.97) }];
}

// -------------------------------------------------------------------------------------- the view

class View {
  constructor(root) {
    this.root = root;
    this.run = null;
    this.data = null;
    this.Plotly = null;
    this.time = 0;
    this.playing = false;
    this.following = false;
    this.latencyMode = "histogram";
    this.hidden = new Set();
    this.lastAsked = -Infinity;
    this.plots = {};
    for (const figure of root.querySelectorAll("[data-panel]")) {
      this.plots[figure.dataset.panel] = figure.querySelector(".ds-plot");
    }
    this.part = (selector) => root.querySelector(selector);
    this.listen();
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(this.part(".ds-grid"));
  }

  remove() {
    this.playing = false;
    cancelAnimationFrame(this.frame);
    this.resizing.disconnect();
    if (this.Plotly) for (const plot of Object.values(this.plots)) this.Plotly.purge(plot);
  }

  // ---- data

  take(data) {
    if (data === this.data) {
      this.retheme(); // the same data again: only the theme can have changed
      return;
    }
    const first = this.data === null;
    this.data = data;
    this.setHeight(data.height);
    this.takePayload(data.payload);
    if (first) {
      loadPlotly().then(
        (Plotly) => this.begin(Plotly),
        (error) => this.complain(error.message),
      );
    }
  }

  takePayload(payload) {
    const known = this.run?.id === payload.run_id;
    const live = payload.mode === "live";
    if (!live || !known || payload.since_s === null) {
      this.replace(payload, known);
      if (live && payload.since_s !== null && payload.seq > 1) this.askAll();
    } else if (payload.seq === this.run.seq + 1) {
      this.extend(payload);
    } else if (payload.seq > this.run.seq) {
      this.askAll(); // an increment was lost on the way
    }
  }

  /** Start with a run, or take all of the same one again, which leaves the view where it is. */
  replace(payload, same) {
    const wasFollowing = this.following;
    this.run = newRun(payload);
    if (!same) {
      this.hidden.clear();
      this.following = this.playing = !this.run.done;
      this.time = this.run.duration; // the finished picture first
      this.offerSpeeds();
    } else if (wasFollowing || this.time > this.run.duration) {
      this.time = this.run.duration;
    }
    if (this.run.done && wasFollowing) this.following = this.playing = false;
    this.rebuild(same);
  }

  extend(payload) {
    const more = grow(this.run, payload);
    if (this.following) this.time = this.run.duration;
    if (this.run.done && this.following) this.following = this.playing = false;
    if (more) this.rebuild(true);
    else {
      this.moveMarks();
      this.draw();
    }
  }

  askAll() {
    const now = performance.now();
    if (now - this.lastAsked < RESEND_EVERY_MS) return;
    this.lastAsked = now;
    this.ask(this.run.seq);
  }

  // ---- plots

  begin(Plotly) {
    this.Plotly = Plotly;
    this.rebuild(false);
  }

  /** Give the plots the traces of the run; the nodes stay, and with `keep` the layout too. */
  rebuild(keep) {
    this.makeLegend();
    this.root.setAttribute("aria-label", `Live view: ${this.run.title}`);
    this.part(".ds-badge").hidden = this.run.mode !== "live";
    if (!this.Plotly) {
      this.tell();
      return;
    }
    this.theme = themeOf(this.root);
    this.bins = latencyBins(this.run);
    this.series = timeSeries(this.run, this.theme);
    const fresh = layouts(this.run, this.theme, this.bins);
    for (const [panel, plot] of Object.entries(this.plots)) {
      const layout = keep && plot.layout ? plot.layout : fresh[panel];
      this.Plotly.react(plot, this.traces(panel), layout, plotConfig(panel));
    }
    if (!keep) this.marksShown = this.run.marks.length;
    this.latencyCount = -1;
    this.showLatencyAs(this.latencyMode, !keep);
    this.draw();
  }

  traces(panel) {
    if (panel === "latency") {
      return latencyLooks(this.run, this.bins).map((look) => ({ ...look, x: [null], y: [null] }));
    }
    return this.series[panel].map((one) => {
      one.shown = countUpTo(one.x, this.time);
      const visible = !this.hidden.has(one.group);
      return { ...one.look, visible, x: one.x.slice(0, one.shown), y: one.y.slice(0, one.shown) };
    });
  }

  /** Bring everything to the present time. */
  draw() {
    this.tell();
    if (!this.Plotly) return;
    for (const panel of TIME_PANELS) this.drawLines(panel);
    this.drawLatency();
  }

  /** Extend lines forwards; cut them anew only when the time went back. */
  drawLines(panel) {
    const changed = [];
    let back = false;
    this.series[panel].forEach((one, place) => {
      const end = countUpTo(one.x, this.time);
      if (end !== one.shown) changed.push({ one, place, from: one.shown, end });
      if (end < one.shown) back = true;
      one.shown = end;
    });
    if (!changed.length) return;
    const cut = (column) => changed.map(({ one, from, end }) => one[column].slice(back ? 0 : from, end));
    const update = { x: cut("x"), y: cut("y") };
    const places = changed.map(({ place }) => place);
    if (back) this.Plotly.restyle(this.plots[panel], update, places);
    else this.Plotly.extendTraces(this.plots[panel], update, places);
  }

  drawLatency() {
    const { run } = this;
    const count = countUpTo(run.latency.finish_s, this.time);
    if (count === this.latencyCount) return;
    this.latencyCount = count;
    const { traces, p50, p99 } = latencyData(run, this.bins, count);
    const column = (name) => traces.map((trace) => trace[name] ?? []);
    this.Plotly.restyle(this.plots.latency, {
      x: column("x"), y: column("y"), customdata: column("customdata"), text: column("text"),
    });
    const finished = run.queue.finished.at(-1) ?? 0;
    const shown = run.latency.finish_s.length;
    const sampled = run.done && shown < finished ? ` · ${shown.toLocaleString("en")} sampled` : "";
    this.note("latency", count ? `P50 ${seconds(p50)} · P99 ${seconds(p99)}${sampled}` : "none finished yet");
  }

  note(panel, text) {
    this.part(`[data-panel="${panel}"] .ds-note`).textContent = text;
  }

  moveMarks() {
    if (!this.Plotly || this.run.marks.length === this.marksShown) return;
    this.marksShown = this.run.marks.length;
    const fresh = layouts(this.run, this.theme, this.bins);
    for (const panel of TIME_PANELS) {
      const { shapes, annotations } = fresh[panel];
      this.Plotly.relayout(this.plots[panel], { shapes, annotations });
    }
  }

  showLatencyAs(mode, freeRange = true) {
    this.latencyMode = mode;
    for (const button of this.root.querySelectorAll(".ds-toggle button")) {
      button.setAttribute("aria-pressed", String(button.dataset.do === mode));
    }
    if (!this.Plotly) return;
    const groups = this.run.tenants.map(({ name }) => !this.hidden.has(`t:${name}`));
    const bars = groups.map((on) => on && mode === "histogram");
    const visible = [...bars, ...groups.map((on) => on && mode === "cdf")];
    if (visible.length) this.Plotly.restyle(this.plots.latency, { visible }, [...visible.keys()]);
    if (freeRange) this.Plotly.relayout(this.plots.latency, this.latencyAxis(mode));
  }

  latencyAxis(mode) {
    if (mode === "cdf") return { "yaxis.range": [0, 1.04], "yaxis.autorange": false, "yaxis.tickformat": ".0%" };
    const whole = this.run.mode === "recorded" && this.bins.top > 0;
    const range = whole ? { "yaxis.range": [0, this.bins.top * 1.1] } : { "yaxis.autorange": true };
    return { ...range, "yaxis.tickformat": "" };
  }

  retheme() {
    if (!this.Plotly) return;
    const theme = themeOf(this.root);
    if (JSON.stringify(theme) === JSON.stringify(this.theme)) return;
    this.theme = theme;
    for (const plot of Object.values(this.plots)) this.Plotly.relayout(plot, themed(theme));
    this.Plotly.restyle(this.plots.running, { "line.color": theme.text }, [0]);
  }

  resize() {
    if (!this.Plotly) return;
    for (const plot of Object.values(this.plots)) {
      if (plot.isConnected && plot.offsetWidth) this.Plotly.Plots.resize(plot);
    }
  }

  setHeight(height) {
    // two rows share the height with their captions and the gap between them
    const plot = Math.max(180, Math.round(height / 2 - 56));
    this.root.style.setProperty("--ds-plot-height", `${plot}px`);
  }

  complain(text) {
    const problem = this.part(".ds-problem");
    problem.textContent = text;
    problem.hidden = false;
  }

  // ---- legend

  makeLegend() {
    const row = (title, prefix, named) => {
      const group = document.createElement("div");
      const word = document.createElement("em");
      word.textContent = title;
      group.append(word, ...named.map((one) => this.legendButton(prefix, one)));
      return group;
    };
    const rows = [];
    if (this.run.tenants.length) rows.push(row("Tenants", "t:", this.run.tenants));
    if (this.run.categories.length) rows.push(row("Categories", "c:", this.run.categories));
    this.part(".ds-legend").replaceChildren(...rows);
    const withMemory = "solid: requests · dotted: KV cache used";
    this.note("running", this.run.queue.kv_used_share ? withMemory : "requests in the GPUs");
  }

  legendButton(prefix, { name, colour }) {
    const button = document.createElement("button");
    const group = prefix + name;
    button.type = "button";
    button.textContent = name;
    button.title = "Show or hide";
    button.style.setProperty("--ds-colour", colour);
    button.setAttribute("aria-pressed", String(!this.hidden.has(group)));
    button.onclick = () => {
      if (!this.hidden.delete(group)) this.hidden.add(group);
      button.setAttribute("aria-pressed", String(!this.hidden.has(group)));
      this.applyHidden();
    };
    return button;
  }

  applyHidden() {
    if (!this.Plotly) return;
    for (const panel of ["queue", "drift"]) {
      const visible = this.series[panel].map((one) => !this.hidden.has(one.group));
      if (visible.length) this.Plotly.restyle(this.plots[panel], { visible }, [...visible.keys()]);
    }
    this.showLatencyAs(this.latencyMode, false);
  }

  // ---- playing

  listen() {
    const actions = {
      start: () => this.seek(0),
      play: () => (this.playing ? this.pause() : this.play()),
      step: () => this.step(1),
      follow: () => this.follow(),
      histogram: () => this.showLatencyAs("histogram"),
      cdf: () => this.showLatencyAs("cdf"),
    };
    for (const button of this.root.querySelectorAll("button[data-do]")) {
      button.onclick = () => this.run && actions[button.dataset.do]();
    }
    this.part(".ds-scrub").oninput = (event) => {
      this.seek((Number(event.target.value) / 1000) * this.run.duration);
    };
    this.root.tabIndex = 0;
    this.root.onkeydown = (event) => this.key(event);
  }

  key(event) {
    const target = event.target;
    if (!this.run || event.ctrlKey || event.metaKey || event.altKey || target.tagName === "SELECT") return;
    const keys = {
      ArrowRight: () => this.step(1),
      ArrowLeft: () => this.step(-1),
      Home: () => this.seek(0),
      End: () => this.seek(this.run.duration),
    };
    // a focused button is pressed by Space itself
    if (target.tagName !== "BUTTON") keys[" "] = () => (this.playing ? this.pause() : this.play());
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  play() {
    const { run } = this;
    if (this.time >= run.duration) {
      if (!run.done) {
        this.follow();
        return;
      }
      this.time = 0;
    }
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
  }

  follow() {
    cancelAnimationFrame(this.frame);
    this.time = this.run.duration;
    this.playing = this.following = !this.run.done;
    this.draw();
  }

  step(frames) {
    const { duration, queue } = this.run;
    const grid = queue.time_s;
    const here = countUpTo(grid, this.time) - 1;
    const goal = grid[Math.min(Math.max(here + frames, 0), grid.length - 1)] ?? 0;
    this.playing = this.following = false;
    this.seek(Math.min(goal, duration));
  }

  seek(time) {
    this.time = Math.min(Math.max(time, 0), this.run.duration);
    this.lastFrame = performance.now();
    if (this.following) {
      // leaving the present: go on from there, at the chosen speed
      this.following = false;
      this.play();
    } else this.draw();
  }

  tick(now) {
    if (!this.playing || this.following) return;
    // a hidden tab gets no frames: then go on where it was instead of leaping
    const passed = Math.min(Math.max(now - this.lastFrame, 0), 250) / 1000;
    this.lastFrame = now;
    this.time = Math.min(this.time + passed * this.speed(), this.run.duration);
    const ended = this.time >= this.run.duration;
    if (ended && this.run.done) this.playing = false;
    if (ended && !this.run.done) this.following = true;
    if (ended || now - this.lastDraw >= DRAW_EVERY_MS) {
      this.lastDraw = now;
      this.draw();
    }
    if (!ended) this.frame = requestAnimationFrame((next) => this.tick(next));
  }

  speed() {
    const chosen = this.part(".ds-speed select").value;
    return chosen === "max" ? Math.max(this.run.duration / MAX_SPEED_S, 50) : Number(chosen);
  }

  offerSpeeds() {
    const wanted = this.run.done ? Math.max(this.run.duration / WHOLE_RUN_S, 0.1) : 1;
    const speeds = [...SPEEDS];
    if (wanted > 70) speeds.push(niceSpeed(wanted));
    const select = this.part(".ds-speed select");
    const option = (value, text) => Object.assign(document.createElement("option"), { value, textContent: text });
    select.replaceChildren(...speeds.map((speed) => option(String(speed), `${speed}×`)), option("max", "max"));
    select.value = String(nearest(speeds, wanted));
  }

  /** Bring labels, counters and controls to the present time. */
  tell() {
    const { run, time } = this;
    const label = `${time.toFixed(1)} s / ${run.duration.toFixed(1)} s`;
    this.part(".ds-time").textContent = label;
    const scrub = this.part(".ds-scrub");
    scrub.value = String(run.duration ? (1000 * time) / run.duration : 1000);
    scrub.setAttribute("aria-valuetext", label);
    const place = countUpTo(run.queue.time_s, time) - 1;
    const at = (values) => (place < 0 ? 0 : values[place] ?? 0);
    const waiting = Object.values(run.queue.waiting).reduce((sum, values) => sum + at(values), 0);
    const count = (name, value) => {
      this.part(`[data-count="${name}"]`).textContent = value.toLocaleString("en");
    };
    count("waiting", waiting);
    for (const name of ["finished", "running", "rejected", "failed"]) count(name, at(run.queue[name]));
    this.root.classList.toggle("ds-playing", this.playing);
    this.root.classList.toggle("ds-following", this.following);
    const button = this.part(".ds-play");
    button.setAttribute("aria-label", this.playing ? "Pause" : "Play");
    button.title = this.playing ? "Pause (Space)" : "Play (Space)";
    this.part(".ds-badge").textContent = run.done ? "Finished" : "Live";
  }
}

function plotConfig(panel) {
  return {
    displaylogo: false,
    showSendToCloud: false,
    modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"],
    toImageButtonOptions: { format: "svg", filename: `driftsched-live-${panel}` },
  };
}
