// Shared by every component that draws with plotly.js; put in front of each one's own script.

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

// -------------------------------------------------------------------------------------- the theme

const GREY = "#8A8A8A";

function themeOf(root) {
  const style = getComputedStyle(root);
  const value = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  return {
    text: value("--st-text-color", "#31333f"),
    back: value("--st-background-color", "#ffffff"),
    font: value("--st-font", "sans-serif"),
  };
}

/** The parts of a layout that depend on the theme, as relayout paths. */
function themed(theme) {
  return {
    "font.color": theme.text,
    "font.family": theme.font,
    "hoverlabel.bgcolor": theme.back,
    "hoverlabel.font.color": theme.text,
    "hoverlabel.bordercolor": GREY,
    "modebar.color": GREY,
    "modebar.activecolor": theme.text,
    "modebar.bgcolor": "rgba(0,0,0,0)",
  };
}

function withPaths(layout, paths) {
  for (const [path, value] of Object.entries(paths)) {
    const steps = path.split(".");
    const last = steps.pop();
    steps.reduce((place, step) => (place[step] ??= {}), layout)[last] = value;
  }
  return layout;
}
