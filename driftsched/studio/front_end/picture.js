// ------------------------------------------------------------------------------------ pictures
// A finished chart: one plot that stays in its place and is given new figures.

const LATEST_MS = 2000; // a plot out of sight is drawn so late at most
// not every browser tells when it has nothing to do
const whenIdle = window.requestIdleCallback ?? ((go) => setTimeout(go, 100));
const FULL_SCREEN = {
  name: "fullScreen",
  title: "Full screen",
  icon: { width: 24, height: 24, path: "M4 4h6v2H6v4H4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6h-6v-2h4z" },
  click: (plot) => (document.fullscreenElement ? document.exitFullscreen() : plot.parentElement.requestFullscreen()),
};

const waiting = new Set(); // the page's: all its pictures are of this one module
let drawing = false;

/** Draw the page's plots one at a time: first those in sight, the others while nothing else is on.
 *
 * Between two of them the browser paints and takes clicks, so that neither a page's headline nor a
 * slider waits for plots further down.
 */
async function drawWaiting() {
  if (drawing) return;
  drawing = true;
  const seen = () => [...waiting].find((one) => one.inSight());
  while (waiting.size) {
    // after the next frame: what else has just come is then on the screen
    await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
    if (!seen()) await new Promise((go) => whenIdle(go, { timeout: LATEST_MS }));
    const next = seen() ?? [...waiting][0];
    waiting.delete(next);
    await next?.draw();
  }
  drawing = false;
}

class Picture {
  constructor(root) {
    this.root = root;
    this.node = root.querySelector(".ds-plot");
    this.plot = new Plot(root, this.node);
    this.unseen = false; // it has no size: folded away
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(this.node);
  }

  remove() {
    waiting.delete(this);
    this.resizing.disconnect();
    this.plot.remove();
  }

  take(text) {
    const theme = themeOf(this.root);
    const taken = text + JSON.stringify(theme);
    if (taken === this.taken && this.plot.problem.hidden) return;
    this.taken = taken;
    this.theme = theme;
    this.wanted = JSON.parse(text);
    const { layout } = this.wanted.figure;
    this.node.setAttribute("aria-label", `${layout.title.text}. ${this.wanted.says} ${layout.meta.look_at}`);
    this.root.style.setProperty("--ds-height", `${layout.height}px`);
    recognised(this.wanted.figure, "picture");
    this.want();
  }

  want() {
    this.root.dataset.drawn = "no";
    this.unseen = !this.node.offsetWidth;
    if (this.unseen) return;
    waiting.add(this);
    drawWaiting();
  }

  inSight() {
    const { top, bottom } = this.root.getBoundingClientRect();
    return top < window.innerHeight && bottom > 0;
  }

  async draw() {
    const { wanted } = this;
    const buttons = { ...wanted.config, modeBarButtonsToAdd: document.fullscreenEnabled ? [FULL_SCREEN] : [] };
    await this.plot.draw(wanted.figure, this.theme, buttons);
    if (wanted === this.wanted) this.root.dataset.drawn = "yes";
  }

  resize() {
    if (this.unseen && this.node.offsetWidth) this.want();
    else this.plot.resize();
  }
}

export const picture = component(Picture, ".ds-picture");
