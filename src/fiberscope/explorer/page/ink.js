// What the brush paints with: a grey, or for images of three channels a colour.
import { field, make } from "./elements.js";

/** `values()` are the bytes of the channels, `css()` the same as a colour of the page. */
export function createInk(channels) {
  return channels === 3 ? createColour() : createGrey(channels);
}

function createGrey(channels) {
  const grey = make("input", { type: "range", class: "grey", min: 0, max: 255, step: 1, value: 255, oninput: draw });
  const swatch = make("span", { class: "swatch", "aria-hidden": "true" });
  const css = () => `rgb(${grey.value} ${grey.value} ${grey.value})`;
  draw();

  function draw() {
    swatch.style.backgroundColor = css();
    grey.setAttribute("aria-valuetext", `${grey.value} of 255`);
  }

  return { controls: [field("Grey", grey, "inline"), swatch], values: () => Array(channels).fill(Number(grey.value)), css };
}

function createColour() {
  const colour = make("input", { type: "color", value: "#ffffff" });
  return {
    controls: [field("Colour", colour, "inline")],
    values: () => [1, 3, 5].map((start) => parseInt(colour.value.slice(start, start + 2), 16)),
    css: () => colour.value,
  };
}
