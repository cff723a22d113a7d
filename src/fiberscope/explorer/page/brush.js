// Paints on the image: each stroke is one move that freezes its pixels, the eraser one that releases them.
import { button, check, choice, field, make } from "./elements.js";
import { createInk } from "./ink.js";
import { createOverlay } from "./overlay.js";
import { append, frozenPixels } from "./state.js";
import { dab, onStrokes } from "./strokes.js";

export function createBrush({ session, stage, welcome }) {
  const [channels, height, width] = welcome.shape;
  const overlay = createOverlay(welcome.shape);
  const tools = createTools({ channels, releaseAll, show: (seen) => overlay.set({ seen }) });
  stage.large.append(overlay.canvas);
  let base = null;
  let move = null;
  let stroke = new Map();
  let cursor = null;
  let held = new Set();
  onStrokes(stage.canvas, { begin, to, end, cursor: moveCursor });
  session.on("state", sync);
  session.on("frame", tell);

  function begin(point, time) {
    base = session.committed();
    if (base.space !== "pixels") return false;
    if (base.moves.length >= welcome.limits.moves) {
      session.trouble(`A state holds at most ${welcome.limits.moves} moves: undo some before painting.`);
      return false;
    }
    stroke = new Map();
    move = null;
    to([point], time);
    return true;
  }

  function to(points, time) {
    const before = stroke.size;
    const frozen = tools.erasing() ? planeOf(frozenPixels(base)) : null;
    for (const point of points) {
      for (const pixel of dab(point, tools.size(), width, height)) {
        if (frozen === null || frozen.has(pixel)) stroke.set(pixel, tools.ink.css());
      }
    }
    if (stroke.size === before) return;
    move = asMove([...stroke.keys()], tools.erasing() ? null : tools.ink.values());
    if (!tools.erasing()) overlay.set({ stroke });
    session.preview(append(base, move), { manner: "paint", time });
  }

  function end(time) {
    overlay.set({ stroke: new Map() });
    if (move !== null) session.commit(append(base, move), { manner: "paint", time });
    move = null;
  }

  function asMove(pixels, ink) {
    const flat = Array.from({ length: channels }, (_, channel) =>
      pixels.map((pixel) => pixel + channel * width * height),
    ).flat();
    return ink === null
      ? { kind: "release", pixels: flat }
      : { kind: "paint", pixels: flat, values: ink.flatMap((value) => pixels.map(() => value)) };
  }

  function planeOf(frozen) {
    return new Set([...frozen].map((pixel) => pixel % (width * height)));
  }

  function moveCursor(pixel) {
    cursor = pixel;
    overlay.set({ cursor });
    tell();
  }

  function tell() {
    const frame = session.frame();
    if (cursor === null || frame === null) {
      stage.tell(null);
      return;
    }
    const place = cursor[1] * width + cursor[0];
    let sum = 0;
    for (let channel = 0; channel < channels; channel += 1) sum += frame.image[place + channel * width * height];
    const grey = Math.min(Math.max(sum / channels, 0), 1);
    stage.tell(cursor, grey, frame.state.space !== "pixels" ? "" : held.has(place) ? "painted" : "free");
  }

  function releaseAll() {
    const frozen = [...frozenPixels(session.committed())];
    if (frozen.length > 0) session.commit(append(session.committed(), { kind: "release", pixels: frozen }));
  }

  function sync(state) {
    held = planeOf(frozenPixels(state));
    overlay.set({ frozen: held });
    tools.set({ possible: state.space === "pixels", count: held.size });
    stage.canvas.classList.toggle("paintable", state.space === "pixels");
  }

  return { tools: tools.element };
}

function createTools({ channels, releaseAll, show }) {
  let erase = false;
  const kind = choice(
    "Brush or eraser",
    [
      ["paint", "Paint"],
      ["erase", "Eraser"],
    ],
    (value) => {
      erase = value === "erase";
    },
  );
  const size = make("input", { type: "range", min: 1, max: 4, step: 1, value: 2 });
  const ink = createInk(channels);
  const seen = check("Outline", {
    checked: true,
    onchange: () => show(seen.box.checked),
    title: "Show which pixels are painted and therefore held",
  });
  const free = button("Release all", { onclick: releaseAll, title: "Free every painted pixel again" });
  const reason = make(
    "p",
    { class: "small reason" },
    "Painting needs single pixels: choose “Pixels” above. A natural image moves as a whole.",
  );
  const controls = make(
    "fieldset",
    { class: "brush" },
    make("legend", { class: "unseen" }, "Brush"),
    kind.element,
    field("Size", size, "inline"),
    ...ink.controls,
    seen.element,
    free,
  );
  kind.set("paint");

  function set({ possible, count }) {
    controls.disabled = !possible;
    reason.hidden = possible;
    controls.hidden = !possible;
    free.disabled = count === 0;
  }

  return {
    element: make("div", { class: "tools" }, controls, reason),
    set,
    erasing: () => erase,
    size: () => Number(size.value),
    ink,
  };
}
