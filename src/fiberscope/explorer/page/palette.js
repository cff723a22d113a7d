// The page's own colours for what is drawn on a canvas; they follow the light and the dark screen.
const names = ["ink", "muted", "rule", "accent", "strong", "page"];
const listeners = [];
let colours = null;

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  colours = null;
  for (const listener of listeners) listener();
});

export function palette() {
  if (colours === null) {
    const style = getComputedStyle(document.documentElement);
    colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }
  return colours;
}

export function onPaletteChange(listener) {
  listeners.push(listener);
}
