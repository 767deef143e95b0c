// A finished chart: one plotly.js plot that stays in its place and is given new figures.
//
// Streamlit calls the default export again, with the same parentElement, after each run of the
// script and when the theme changes. What lasts between is kept in one Picture for each.

const pictures = new WeakMap();
const FADED = 0.72; // of ticks and legends, beside the text's own colour
const LATEST_MS = 2000; // a plot out of sight is drawn so late at most
// not every browser tells when it has nothing to do
const whenIdle = window.requestIdleCallback ?? ((go) => setTimeout(go, 100));
const notWhenIdle = window.cancelIdleCallback ?? clearTimeout;
const FULL_SCREEN = {
  name: "fullScreen",
  title: "Full screen",
  icon: { width: 24, height: 24, path: "M4 4h6v2H6v4H4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6h-6v-2h4z" },
  click: (plot) => (document.fullscreenElement ? document.exitFullscreen() : plot.parentElement.requestFullscreen()),
};

export default function ({ data, parentElement }) {
  let picture = pictures.get(parentElement);
  if (!picture || !picture.root.isConnected) {
    picture = new Picture(parentElement.querySelector(".ds-picture"));
    pictures.set(parentElement, picture);
  }
  picture.take(new TextDecoder().decode(data));
  // As in the live view: the clean-up may run although the component stays.
  return () => setTimeout(() => parentElement.isConnected || picture.remove());
}

// ------------------------------------------------------------------------------ one after another

/** Draws the page's plots one at a time: first those in sight, the others while nothing else is on.
 *
 * Between two of them the browser paints and takes clicks, so that neither a page's headline nor a
 * slider waits for plots further down.
 */
class Easel {
  constructor() {
    this.waiting = new Set();
    this.planned = this.drawing = false;
    this.idle = 0;
  }

  want(picture) {
    this.waiting.add(picture);
    if (this.planned || this.drawing) return;
    this.planned = true;
    // after the next frame: what else has just come is then on the screen
    requestAnimationFrame(() => setTimeout(() => this.next()));
  }

  drop(picture) {
    this.waiting.delete(picture);
  }

  next() {
    this.planned = false;
    if (this.drawing) return; // it goes on by itself
    notWhenIdle(this.idle);
    const all = [...this.waiting];
    const seen = all.find((one) => one.inSight());
    if (seen) this.draw(seen);
    else if (all.length) this.idle = whenIdle(() => this.draw(all[0]), { timeout: LATEST_MS });
  }

  async draw(picture) {
    this.drawing = true;
    this.waiting.delete(picture);
    await picture.draw();
    this.drawing = false;
    if (!this.planned) setTimeout(() => this.next());
  }
}

/** The page's: all its pictures are of this one module. */
const easel = new Easel();

// ------------------------------------------------------------------------------------ the figure

/** Give traces and axes names by which plotly.js knows them again: zoom and hidden lines stay. */
function recognised(figure) {
  const seen = {};
  for (const trace of figure.data) {
    const name = `${trace.type}/${trace.name ?? ""}`;
    seen[name] = (seen[name] ?? 0) + 1;
    trace.uid = asSelector(`${name}/${seen[name]}`);
  }
  figure.layout.uirevision = "picture";
  // an axis of something else is another axis: its zoom goes
  for (const axis of axes(figure.layout)) axis.uirevision = `${axis.type ?? ""}/${axis.title?.text ?? ""}`;
  return figure;
}

/** plotly.js makes CSS selectors of names: only letters and digits. */
const asSelector = (name) => `t${[...name].map((char) => char.codePointAt(0).toString(36)).join("_")}`;

const axes = (layout) => Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name)).map((name) => layout[name]);

/** `#rrggbb` with an opacity; other colours as they are. */
function translucent(colour, opacity) {
  const parts = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(colour);
  return parts ? `rgba(${parts.slice(1).map((part) => parseInt(part, 16)).join(",")},${opacity})` : colour;
}

function dressed(layout, theme) {
  const faded = translucent(theme.text, FADED);
  for (const axis of axes(layout)) {
    withPaths(axis, { "tickfont.color": faded, "title.font.color": faded, "title.font.size": 13 });
  }
  const own = { "legend.font.color": faded, "font.size": 12, "title.font.weight": 600, autosize: true };
  // not transparent: a picture that is saved from a dark page must be readable on a white slide
  const ground = { paper_bgcolor: theme.back, plot_bgcolor: theme.back };
  return withPaths(layout, { ...own, ...ground, ...themed(theme) });
}

// ----------------------------------------------------------------------------------- the picture

class Picture {
  constructor(root) {
    this.root = root;
    this.plot = root.querySelector(".ds-plot");
    this.problem = root.querySelector(".ds-problem");
    this.text = null;
    this.wanted = null;
    this.unseen = false; // it has no size: folded away
    this.Plotly = null;
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(this.plot);
  }

  remove() {
    easel.drop(this);
    this.resizing.disconnect();
    this.Plotly?.purge(this.plot);
  }

  take(text) {
    const theme = themeOf(this.root);
    const same = text === this.text && JSON.stringify(theme) === JSON.stringify(this.theme);
    if (same && this.problem.hidden) return;
    this.text = text;
    this.theme = theme;
    this.wanted = JSON.parse(text);
    this.plot.setAttribute("aria-label", this.wanted.alt);
    this.root.style.setProperty("--ds-height", `${this.wanted.height}px`);
    this.want();
  }

  want() {
    this.root.dataset.drawn = "no";
    this.unseen = !this.plot.offsetWidth;
    if (!this.unseen) easel.want(this);
  }

  inSight() {
    const { top, bottom } = this.root.getBoundingClientRect();
    return top < window.innerHeight && bottom > 0;
  }

  /** Draw what came last; never throws. */
  async draw() {
    const { wanted } = this;
    const { figure, config } = wanted;
    try {
      this.Plotly ??= await loadPlotly();
      if (!this.root.isConnected) return;
      const { data, layout } = recognised(figure);
      delete layout.height; // the page's: the plot fills its box, also on the whole screen
      const buttons = { ...config, modeBarButtonsToAdd: document.fullscreenEnabled ? [FULL_SCREEN] : [] };
      await this.Plotly.react(this.plot, data, dressed(layout, this.theme), buttons);
      this.complain("");
    } catch (error) {
      this.complain(error.message);
    }
    if (wanted === this.wanted) this.root.dataset.drawn = "yes";
  }

  resize() {
    if (!this.plot.offsetWidth) return;
    if (this.unseen) this.want();
    else if (this.plot.data) this.Plotly.Plots.resize(this.plot);
  }

  complain(text) {
    this.problem.textContent = text;
    this.problem.hidden = !text;
  }
}
