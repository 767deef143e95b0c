// Figures have no background of their own; their text takes the page's colour, light or dark.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
function tint() {
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue("--ink").trim(), card = style.getPropertyValue("--card").trim();
  for (const plot of document.querySelectorAll(".js-plotly-plot"))
    Plotly.relayout(plot, {"font.color": ink, "hoverlabel.bgcolor": card, "hoverlabel.font.color": ink});
}
dark.addEventListener("change", tint);
window.addEventListener("load", tint);
