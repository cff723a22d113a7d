// The image, large; beside it where it started and what has changed since.
import { DIVERGING } from "./colours.js";
import { createCursor } from "./cursor.js";
import { freshId, make } from "./elements.js";
import { short } from "./format.js";
import { createRaster } from "./raster.js";

export function createStage(shape) {
  const [channels, height, width] = shape;
  const image = picture("image", "Image, to be painted on", shape);
  const start = picture("start", "The start", shape);
  const difference = picture("difference", "Difference from the start", shape);
  const keys = make(
    "p",
    { class: "unseen", id: freshId("keys") },
    "Arrow keys move a cursor, Space paints, Shift with arrows paints a line.",
  );
  const cursor = createCursor();
  Object.assign(image.canvas, { tabIndex: 0, role: "application" });
  image.canvas.setAttribute("aria-describedby", keys.id);
  const badge = make("span", { class: "badge", hidden: true });
  const large = make("div", { class: "large" }, image.canvas, badge, keys, cursor.element);
  large.style.aspectRatio = `${width} / ${height}`;
  const ends = [make("span", {}), make("span", {}, "0"), make("span", {})];
  const legend = make(
    "div",
    { class: "legend", "aria-hidden": "true" },
    scaleStrip(),
    make("div", { class: "ends" }, ...ends),
  );
  const small = [
    make("figure", {}, start.canvas, make("figcaption", {}, "Start")),
    make("figure", {}, difference.canvas, make("figcaption", {}, channels > 1 ? "Mean difference" : "Difference"), legend),
  ];
  let shownScale = null;

  function draw(frame, element) {
    image.raster.image(frame.image);
    start.raster.image(frame.start);
    const scale = difference.raster.difference(frame.image, frame.start);
    if (scale !== shownScale) {
      shownScale = scale;
      ends[0].textContent = `−${short(scale)}`;
      ends[2].textContent = `+${short(scale)}`;
    }
    element.dataset.frame = frame.id;
    element.dataset.onFiber = String(frame.on_fiber);
    badge.hidden = frame.on_fiber;
    if (!frame.on_fiber)
      badge.textContent = frame.state.straight ? "straight line: off the fiber" : "best approach: off the fiber";
  }

  return { large, small, canvas: image.canvas, draw, tell: cursor.tell };
}

function picture(name, label, shape) {
  const canvas = make("canvas", { class: "picture", role: "img", "aria-label": label, "data-testid": name });
  canvas.style.aspectRatio = `${shape[2]} / ${shape[1]}`;
  return { canvas, raster: createRaster(canvas, shape) };
}

/** The colours of the difference, from its most negative to its most positive. */
function scaleStrip() {
  const canvas = make("canvas", { width: DIVERGING.length, height: 1 });
  const context = canvas.getContext("2d");
  const data = context.createImageData(DIVERGING.length, 1);
  new Uint32Array(data.data.buffer).set(DIVERGING);
  context.putImageData(data, 0, 0);
  return canvas;
}
