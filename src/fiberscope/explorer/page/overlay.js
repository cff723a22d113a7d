// What lies over the large image: a fine outline of the painted pixels, the stroke that is going on, the keyboard's cursor.
import { make } from "./elements.js";

export function createOverlay([, height, width]) {
  const canvas = make("canvas", { class: "overlay", "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  const now = { frozen: new Set(), seen: true, stroke: new Map(), cursor: null };
  let asked = false;
  new ResizeObserver(([entry]) => {
    canvas.width = Math.round(entry.contentRect.width * devicePixelRatio);
    canvas.height = Math.round(entry.contentRect.height * devicePixelRatio);
    draw();
  }).observe(canvas);

  function draw() {
    asked = false;
    const side = canvas.width / width;
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (const [pixel, colour] of now.stroke) {
      context.fillStyle = colour;
      context.fillRect((pixel % width) * side, Math.floor(pixel / width) * side, side + 0.5, side + 0.5);
    }
    if (now.seen && now.frozen.size > 0) outline(outlineOf(now.frozen, width, height, side), [4, 4]);
    if (now.cursor !== null) {
      const frame = new Path2D();
      frame.rect(now.cursor[0] * side, now.cursor[1] * side, side, side);
      outline(frame, []);
    }
  }

  // Two lines, a dark and a light one, so that it shows on any grey.
  function outline(path, dashes) {
    context.lineWidth = 1.5 * devicePixelRatio;
    context.setLineDash([]);
    context.strokeStyle = "#1b2026";
    context.stroke(path);
    context.setLineDash(dashes.map((dash) => dash * devicePixelRatio));
    context.lineWidth = devicePixelRatio;
    context.strokeStyle = "#ffd9a8";
    context.stroke(path);
  }

  return {
    canvas,
    set(change) {
      Object.assign(now, change);
      if (!asked) requestAnimationFrame(draw);
      asked = true;
    },
  };
}

/** The edges between pixels that are painted and neighbours that are not. */
function outlineOf(frozen, width, height, side) {
  const path = new Path2D();
  const edge = (x0, y0, x1, y1) => {
    path.moveTo(x0 * side, y0 * side);
    path.lineTo(x1 * side, y1 * side);
  };
  for (const pixel of frozen) {
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    if (x === 0 || !frozen.has(pixel - 1)) edge(x, y, x, y + 1);
    if (x === width - 1 || !frozen.has(pixel + 1)) edge(x + 1, y, x + 1, y + 1);
    if (!frozen.has(pixel - width)) edge(x, y, x + 1, y);
    if (!frozen.has(pixel + width)) edge(x, y + 1, x + 1, y + 1);
  }
  return path;
}
