// A pad to draw one's own image on, with a soft pen like the ink of a scanned digit.
import { createCursor } from "./cursor.js";
import { button, freshId, make } from "./elements.js";
import { createRaster } from "./raster.js";
import { onStrokes } from "./strokes.js";
import { toBase64 } from "./wire.js";

// Half the width of a pen on an image of 28 pixels.
const PEN = 1.15;

/** `choose({reference, label, pixels})` gets the drawing. */
export function createPad({ shape, choose }) {
  const [channels, height, width] = shape;
  const ink = new Float32Array(width * height);
  const keys = make(
    "p",
    { class: "unseen", id: freshId("keys") },
    "Arrow keys move a cursor, Space sets a dot, Shift with arrows draws a line.",
  );
  const told = createCursor();
  const canvas = make("canvas", {
    class: "pad",
    tabIndex: 0,
    role: "application",
    "aria-label": "Drawing pad",
    "aria-describedby": keys.id,
  });
  const raster = createRaster(canvas, [1, height, width]);
  const cursor = make("span", { class: "pixel-cursor", hidden: true });
  const use = button("Use this drawing", { class: "primary", disabled: true, onclick: finish });
  const element = make(
    "div",
    { class: "own" },
    make("p", { class: "small" }, "Draw with mouse, finger or pen. White is ink."),
    make("div", { class: "frame" }, canvas, cursor, keys, told.element),
    make("div", { class: "row" }, use, button("Clear", { onclick: clear })),
  );
  canvas.style.aspectRatio = `${width} / ${height}`;
  onStrokes(canvas, {
    begin: (point) => draw([point]),
    to: draw,
    end: () => {},
    cursor: (pixel) => {
      placeCursor(cursor, pixel, width, height);
      told.tell(pixel, pixel === null ? 0 : ink[pixel[1] * width + pixel[0]]);
    },
  });
  raster.image(ink);

  function draw(points) {
    const pen = (PEN * Math.min(width, height)) / 28;
    for (const [x, y] of points) {
      for (let row = Math.max(Math.floor(y - pen - 1), 0); row < Math.min(y + pen + 1, height); row += 1) {
        for (let column = Math.max(Math.floor(x - pen - 1), 0); column < Math.min(x + pen + 1, width); column += 1) {
          const value = Math.min(Math.max(pen + 0.5 - Math.hypot(column + 0.5 - x, row + 0.5 - y), 0), 1);
          ink[row * width + column] = Math.max(ink[row * width + column], value);
        }
      }
    }
    use.disabled = false;
    raster.image(ink);
    return true;
  }

  function clear() {
    ink.fill(0);
    use.disabled = true;
    raster.image(ink);
  }

  function finish() {
    const pixels = new Uint8Array(channels * ink.length);
    for (let i = 0; i < pixels.length; i += 1) pixels[i] = Math.round(255 * ink[i % ink.length]);
    choose({ reference: { pixels: toBase64(pixels) }, label: null, pixels });
  }

  return { element };
}

/** Put a frame round one pixel of the canvas beside it. */
function placeCursor(element, pixel, width, height) {
  element.hidden = pixel === null;
  if (pixel === null) return;
  element.style.left = `${(100 * pixel[0]) / width}%`;
  element.style.top = `${(100 * pixel[1]) / height}%`;
  element.style.width = `${100 / width}%`;
  element.style.height = `${100 / height}%`;
}
