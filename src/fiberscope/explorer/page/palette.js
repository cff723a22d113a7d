// The page's own colours for what is drawn on a canvas; they follow the light, the dark and the forced colours of a screen.
const names = ["ink", "muted", "accent", "strong"];
const screens = ["(prefers-color-scheme: dark)", "(forced-colors: active)"].map((query) => matchMedia(query));
let colours = null;

for (const screen of screens) {
  screen.addEventListener("change", () => {
    colours = null;
  });
}

/** Those of an element of the page; all of its elements have the same. */
export function palette(element) {
  if (colours === null) {
    const style = getComputedStyle(element);
    colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }
  return colours;
}

export function onPaletteChange(listener, signal) {
  for (const screen of screens) screen.addEventListener("change", listener, { signal });
}
