// Shared by every component that draws with plotly.js; put in front of each one's own script.

// ---------------------------------------------------------------------------------- plotly.js

/** Load plotly.js once a page, however many plots there are. */
function loadPlotly(file, base) {
  const shared = (window.__driftschedPlotly ??= {});
  shared[file] ??= firstThatLoads(staticUrls(file, base)).catch((error) => {
    delete shared[file]; // so that a later plot may try again
    throw error;
  });
  return shared[file];
}

/** Where the app's static folder may be, likeliest first. */
function staticUrls(file, base) {
  // A page's address says nothing sure about the app's root (sub-pages, base path, proxies).
  // Streamlit's own bundle lies at <root>/static/js/: the entry of its download is absolute.
  const bundle = performance
    .getEntriesByType("resource")
    .map((entry) => entry.name)
    .find((name) => name.startsWith(location.origin) && name.includes("/static/js/index."));
  const roots = bundle ? [bundle.slice(0, bundle.indexOf("/static/js/index."))] : [];
  roots.push(location.origin + (base ? `/${base}` : ""));
  return [...new Set(roots)].map((root) => `${root}/app/static/${file}`);
}

async function firstThatLoads(urls) {
  for (const url of urls) {
    if (await runScript(url)) return window.Plotly;
  }
  throw new Error(`The plots cannot be drawn: ${urls[0]} did not load.`);
}

function runScript(url) {
  return new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve(Boolean(window.Plotly));
    script.onerror = () => resolve(false);
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
