// One direction: a picture of what it changes, its name, and the slider that goes along it.
import { make } from "./elements.js";
import { createRaster } from "./raster.js";
import { createSlider } from "./slider.js";

export function createCard({ shape, limit, change, released }) {
  const canvas = make("canvas", { role: "img" });
  const raster = createRaster(canvas, shape);
  const title = make("h3", {});
  const note = make("p", { class: "small" });
  const slider = createSlider({ limit, change, released });
  const element = make(
    "li",
    { class: "card", "data-testid": "card" },
    canvas,
    make("div", { class: "line" }, title, slider.figure, slider.reset),
    slider.input,
    note,
  );

  function draw(card, picture) {
    raster.signed(picture);
    // A bare number is no name to hear alone.
    const name = /^\d+$/.test(card.title) ? `Direction ${card.title}` : card.title;
    title.textContent = name;
    title.title = name;
    note.textContent = card.note ?? "";
    note.title = note.textContent;
    canvas.title = `${name}: orange becomes lighter, blue darker`;
    canvas.setAttribute("aria-label", canvas.title);
    slider.name(name);
  }

  return {
    element,
    draw,
    set: slider.set,
    value: slider.value,
    enable: (on) => {
      slider.input.disabled = !on;
    },
  };
}
