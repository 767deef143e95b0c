// What our components have in common: plotly.js, the page's theme, a plot that stays in its node.
// Put in front of each component's own script; all are one module, so that a page loads it once.

/** What Streamlit calls after each run of the script and when the theme changes.
 *
 * Everything that must survive that is kept in one View for each parentElement.
 */
function component(View, selector) {
  const views = new WeakMap();
  return ({ data, parentElement, setTriggerValue }) => {
    let view = views.get(parentElement);
    if (!view?.root.isConnected) {
      view = new View(parentElement.querySelector(selector));
      views.set(parentElement, view);
    }
    view.tellServer = setTriggerValue;
    view.take(new TextDecoder().decode(data));
    // When two updates come close together Streamlit runs the clean-up of the first although the
    // component stays. So the view goes only when its element really has left the page.
    return () => setTimeout(() => parentElement.isConnected || view.remove());
  };
}

// ---------------------------------------------------------------------------------- plotly.js

/** Load plotly.js once a page, however many plots there are. */
function loadPlotly() {
  window.__driftschedPlotly ??= runScript(new URL("PLOTLY_JS", import.meta.url).href).catch((error) => {
    delete window.__driftschedPlotly; // so that a later plot may try again
    throw error;
  });
  return window.__driftschedPlotly;
}

function runScript(url) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const failed = () => reject(new Error(`The plots cannot be drawn: ${url} did not load.`));
    script.src = url;
    script.onload = () => (window.Plotly ? resolve(window.Plotly) : failed());
    script.onerror = failed;
    document.head.append(script);
  });
}

// ---------------------------------------------------------------------------------- the figure

const GREY = "#8A8A8A";
const FADED = 0.72; // of ticks and legends, beside the text's own colour

function themeOf(root) {
  const style = getComputedStyle(root);
  const value = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  return {
    text: value("--st-text-color", "#31333f"),
    back: value("--st-background-color", "#ffffff"),
    font: value("--st-font", "sans-serif"),
  };
}

/** Give traces and axes names by which plotly.js knows them again: zoom and hidden lines stay. */
function recognised({ data, layout }, subject) {
  const seen = {};
  for (const trace of data) {
    const name = `${trace.type}/${trace.name ?? ""}`;
    seen[name] = (seen[name] ?? 0) + 1;
    trace.uid = asSelector(`${name}/${seen[name]}`);
  }
  layout.uirevision = subject;
  // an axis of something else is another axis: its zoom goes
  for (const axis of axes(layout)) axis.uirevision = `${subject}/${axis.type ?? ""}/${axis.title?.text ?? ""}`;
}

/** plotly.js makes CSS selectors of names: only letters and digits. */
const asSelector = (name) => `t${[...name].map((char) => char.codePointAt(0).toString(36)).join("_")}`;

const axes = (layout) => Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name)).map((name) => layout[name]);

/** `#rrggbb` with an opacity; other colours as they are. */
function translucent(colour, opacity) {
  const parts = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(colour);
  return parts ? `rgba(${parts.slice(1).map((part) => parseInt(part, 16)).join(",")},${opacity})` : colour;
}

/** Put a theme's colours into a layout; the same layout may be dressed again. */
function dressed(layout, theme) {
  const faded = translucent(theme.text, FADED);
  const put = (place, paths) => {
    for (const [path, value] of Object.entries(paths)) {
      const steps = path.split(".");
      const last = steps.pop();
      steps.reduce((inner, step) => (inner[step] ??= {}), place)[last] = value;
    }
  };
  for (const axis of axes(layout)) put(axis, { "tickfont.color": faded, "title.font.color": faded, "title.font.size": 13 });
  put(layout, {
    "font.color": theme.text,
    "font.family": theme.font,
    "font.size": 12,
    "legend.font.color": faded,
    "title.font.weight": 600,
    "hoverlabel.bgcolor": theme.back,
    "hoverlabel.font.color": theme.text,
    "hoverlabel.bordercolor": GREY,
    "modebar.color": GREY,
    "modebar.activecolor": theme.text,
    "modebar.bgcolor": "rgba(0,0,0,0)",
    // not transparent: a picture that is saved from a dark page must be readable on a white slide
    paper_bgcolor: theme.back,
    plot_bgcolor: theme.back,
    autosize: true,
  });
  delete layout.height; // the page's: the plot fills its node, also on the whole screen
  return layout;
}

/** The camera button of a plot whose title, legend and units stand beside it: its image has them. */
const camera = (image, { title, y }) => ({
  name: "image",
  title: "Download as an image",
  icon: { width: 24, height: 24, path: "M9 4 7.5 6H4v13h16V6h-3.5L15 4zM12 9a4 4 0 1 1 0 8 4 4 0 0 1 0-8z" },
  click: (plot) => {
    const { data, layout } = plot;
    const whole = {
      ...layout,
      title: { text: title, x: 0.02, xanchor: "left" },
      yaxis: { ...layout.yaxis, title: { text: y } },
      showlegend: data.length > 1,
      legend: { orientation: "h", y: 1.02, yanchor: "bottom" },
      margin: { l: 70, r: 60, t: 110, b: 60 },
    };
    return window.Plotly.downloadImage({ data, layout: whole }, { ...image, width: 900, height: 520 });
  },
});

// ------------------------------------------------------------------------------------ the plot

/** One plotly.js plot that stays in its node, and is drawn anew only where it differs. */
class Plot {
  constructor(root, node) {
    this.node = node;
    this.problem = root.querySelector(".ds-problem");
  }

  /** Draw a figure, at once where plotly.js is there; never throws. */
  async draw({ data, layout }, theme, config) {
    try {
      this.Plotly ??= window.Plotly ?? (await loadPlotly());
      if (this.node.isConnected) await this.Plotly.react(this.node, data, dressed(layout, theme), config);
      // a tool is for the pointer: who goes by keys has the figures in the plot's name and its CSV
      for (const tool of this.node.querySelectorAll(".modebar-btn")) tool.tabIndex = -1;
      // nor does the pane need a stop of its own: it scrolls with whatever in it has the focus
      document.querySelector('[data-testid="stMain"]')?.setAttribute("tabindex", "-1");
      this.problem.textContent = "";
    } catch (error) {
      this.problem.textContent = error.message;
    }
    this.problem.hidden = !this.problem.textContent;
  }

  resize() {
    if (this.node.data && this.node.offsetWidth) this.Plotly.Plots.resize(this.node);
  }

  remove() {
    this.Plotly?.purge(this.node);
  }
}
