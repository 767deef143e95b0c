// ----------------------------------------------------------------------------------- copy link
// The page's address: what it shows, for somebody else.

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // where the connection is not encrypted there is no clipboard to write to, but this
  const field = Object.assign(document.createElement("textarea"), { value: text });
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

export const copyLink = ({ parentElement }) => {
  const button = parentElement.querySelector(".ds-copy");
  button.onclick = async () => {
    await copy(location.href);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy link"), 2000);
  };
};
