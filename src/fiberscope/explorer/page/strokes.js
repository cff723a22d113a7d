// Turns mouse, finger, pen and keyboard on a canvas into strokes over its pixels.

/**
 * Calls begin(point, time), to(points, time) and end(time) with points in pixels (their fractions too), and cursor(pixel) when
 * arrow keys move it or the canvas loses focus (null). Space sets one dab; arrows with Shift draw a line. begin can refuse
 * by returning false.
 */
export function onStrokes(canvas, { begin, to, end, cursor }) {
  let last = null;
  let pixel = null;

  function start(point, time) {
    if (begin(point, time) === false) return false;
    last = point;
    return true;
  }

  function go(points, time) {
    to(
      points.flatMap((point) => between(last, (last = point))),
      time,
    );
  }

  function finish(time) {
    if (last === null) return;
    last = null;
    end(time);
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    pixel = null;
    cursor(null);
    if (start(at(canvas, event), event.timeStamp)) canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (last === null || !event.isPrimary) return;
    const events = event.getCoalescedEvents?.() ?? [];
    go(
      (events.length > 0 ? events : [event]).map((part) => at(canvas, part)),
      event.timeStamp,
    );
  });
  canvas.addEventListener("pointerup", (event) => finish(event.timeStamp));
  canvas.addEventListener("pointercancel", (event) => finish(event.timeStamp));

  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || (step === undefined && event.key !== " ")) return;
    event.preventDefault();
    pixel ??= [Math.floor(canvas.width / 2), Math.floor(canvas.height / 2)];
    if (step === undefined) {
      if (last === null && start(middle(pixel), event.timeStamp)) finish(event.timeStamp);
      return;
    }
    if (event.shiftKey && last === null && !start(middle(pixel), event.timeStamp)) return;
    pixel = [clamp(pixel[0] + step[0], canvas.width), clamp(pixel[1] + step[1], canvas.height)];
    cursor(pixel);
    if (event.shiftKey) go([middle(pixel)], event.timeStamp);
  });
  canvas.addEventListener("keyup", (event) => {
    if (event.key === "Shift") finish(event.timeStamp);
  });
  canvas.addEventListener("focus", () => {
    if (canvas.matches(":focus-visible")) pixel ??= [Math.floor(canvas.width / 2), Math.floor(canvas.height / 2)];
    cursor(pixel);
  });
  canvas.addEventListener("blur", (event) => {
    finish(event.timeStamp);
    cursor(null);
  });
}

/** Every pixel whose middle lies within the brush round a point, and always the one under it. */
export function dab([x, y], size, width, height) {
  const pixels = new Set();
  if (x >= 0 && y >= 0 && x < width && y < height) pixels.add(Math.floor(y) * width + Math.floor(x));
  if (size === 1) return pixels;
  const reach = size / 2 + 0.05;
  for (let row = Math.max(Math.floor(y - reach), 0); row < Math.min(y + reach, height); row += 1) {
    for (let column = Math.max(Math.floor(x - reach), 0); column < Math.min(x + reach, width); column += 1) {
      if (Math.hypot(column + 0.5 - x, row + 0.5 - y) <= reach) pixels.add(row * width + column);
    }
  }
  return pixels;
}

function at(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return [
    ((event.clientX - box.left) / box.width) * canvas.width,
    ((event.clientY - box.top) / box.height) * canvas.height,
  ];
}

function between([x0, y0], [x1, y1]) {
  const steps = Math.max(Math.ceil(2 * Math.hypot(x1 - x0, y1 - y0)), 1);
  return Array.from({ length: steps }, (_, step) => [
    x0 + ((step + 1) / steps) * (x1 - x0),
    y0 + ((step + 1) / steps) * (y1 - y0),
  ]);
}

function middle([column, row]) {
  return [column + 0.5, row + 0.5];
}

function clamp(value, size) {
  return Math.min(Math.max(value, 0), size - 1);
}
