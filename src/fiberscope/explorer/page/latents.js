// The latent now as bars and the target as ticks on them: on the fiber every bar ends at its tick.
import { make } from "./elements.js";
import { short } from "./format.js";
import { onPaletteChange, palette } from "./palette.js";

export function createLatents(signal) {
  const canvas = make("canvas", {
    class: "chart",
    role: "img",
    "aria-label": "The latent now and its target",
    "data-testid": "latents",
  });
  const context = canvas.getContext("2d");
  const scale = make("span", { class: "small" });
  const key = make(
    "figcaption",
    {},
    "Latent now ",
    make("i", { class: "key bar" }),
    " target ",
    make("i", { class: "key tick" }),
    " gap ",
    make("i", { class: "key gap" }),
  );
  const element = make("figure", { class: "latents" }, canvas, key, scale);
  let frame = null;
  let reach = 0;
  let reachOf = null;
  new ResizeObserver(([entry]) => {
    canvas.width = Math.round(entry.contentRect.width * devicePixelRatio);
    canvas.height = Math.round(entry.contentRect.height * devicePixelRatio);
    draw(frame);
  }).observe(canvas);
  onPaletteChange(() => draw(frame), signal);

  function draw(next) {
    frame = next;
    if (frame === null) return;
    measure();
    const { width, height } = canvas;
    const step = width / frame.latent.length;
    const bar = Math.max(Math.min(0.62 * step, 26 * devicePixelRatio), 1);
    const y = (value) => height / 2 - (value / reach) * (height / 2 - 3 * devicePixelRatio);
    const colours = palette(canvas);
    context.clearRect(0, 0, width, height);
    context.fillStyle = colours.muted;
    context.fillRect(0, height / 2 - 0.5 * devicePixelRatio, width, devicePixelRatio);
    frame.latent.forEach((value, i) => {
      const left = (i + 0.5) * step - bar / 2;
      const target = frame.target[i];
      context.fillStyle = colours.accent;
      context.fillRect(left, Math.min(y(0), y(value)), bar, Math.abs(y(value) - y(0)));
      context.fillStyle = colours.strong;
      context.fillRect(left + bar / 4, Math.min(y(value), y(target)), bar / 2, Math.abs(y(value) - y(target)));
      context.fillStyle = colours.ink;
      const thick = 2 * devicePixelRatio;
      context.fillRect(left - 0.16 * bar, y(target) - thick / 2, 1.32 * bar, thick);
    });
  }

  // The scale belongs to the target and only ever grows, so that bars do not jump while a person drags.
  function measure() {
    const same =
      reachOf !== null &&
      reachOf.length === frame.target.length &&
      reachOf.every((value, i) => value === frame.target[i]);
    const size = [...frame.latent, ...frame.target].reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12);
    if (same && size <= reach) return;
    reach = same ? size : 1.08 * size;
    reachOf = frame.target.slice();
    scale.textContent = `${frame.latent.length} numbers, −${short(reach)} to +${short(reach)}`;
  }

  return { element, draw };
}
