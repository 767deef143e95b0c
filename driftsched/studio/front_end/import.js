// A page's address says nothing sure about the app's root (sub-pages, base path, proxies).
// Streamlit's own bundle lies at <root>/static/js/: the entry of its download is absolute.
const bundle = performance
  .getEntriesByType("resource")
  .map((entry) => entry.name)
  .find((name) => name.startsWith(location.origin) && name.includes("/static/js/index."));
const root = bundle ? bundle.slice(0, bundle.indexOf("/static/js/index.")) : location.origin;
const url = `${root}/driftsched/SCRIPT_JS`;
const missing = () => ({
  COMPONENT: ({ parentElement }) => {
    parentElement.textContent = `This cannot be shown: ${url} did not load.`;
  },
});
export default (await import(url).catch(missing)).COMPONENT;
