// The images that a person keeps; a click brings the state of one back.
import { button, freshId, make } from "./elements.js";
import { short } from "./format.js";
import { createRaster } from "./raster.js";
import { key } from "./state.js";
import { fromBase64, toBase64 } from "./wire.js";

export function createTray({ session, welcome, files, news, trouble }) {
  const shelf = createShelf(welcome);
  let kept = shelf.read();
  const keep = button("Keep", { class: "primary", disabled: true, onclick: add, title: "Put this image on the tray" });
  const heading = make("h2", { id: freshId("kept") }, "Kept");
  const list = make("ul", { class: "kept", "aria-label": "Kept images" });
  const empty = make("p", { class: "small" }, "Keep what you find; it stays while this tab is open.");
  const animation = () => [session.committed()];
  const downloads = make(
    "div",
    { class: "row downloads", role: "group", "aria-label": "Downloads" },
    button("PNG", {
      "aria-label": "Download PNG",
      title: "This image",
      onclick: () => files.download("png", [session.committed()]),
    }),
    button("APNG", {
      "aria-label": "Download animation (APNG)",
      title: "The way of this image, as an animation",
      onclick: () => files.download("apng", animation()),
    }),
    button("WebP", {
      "aria-label": "Download animation (WebP)",
      title: "The way of this image, as an animation",
      onclick: () => files.download("webp", animation()),
    }),
    button("npz", {
      "aria-label": "Download npz",
      title: "All kept images as arrays with their states; without any, this image",
      onclick: arrays,
    }),
  );
  const element = make(
    "section",
    { class: "panel tray", "aria-labelledby": heading.id },
    make("div", { class: "row spread" }, heading, keep),
    empty,
    list,
    downloads,
  );
  draw();
  // A frame of a film may still be a draft, and its share is rounded: only what the server made of a state comes back exactly.
  session.on("frame", (frame) => {
    keep.disabled = frame.film;
  });

  function add() {
    const frame = session.frame();
    if (frame === null || frame.film) return;
    if (kept.length >= welcome.limits.export_states) {
      trouble(`The tray holds ${welcome.limits.export_states} images: download them as npz and remove some.`);
      return;
    }
    const pixels = toBase64(
      Uint8Array.from(frame.image, (value) => Math.min(Math.max(Math.round(255 * value), 0), 255)),
    );
    kept = [
      ...kept,
      { state: frame.state, class: frame.class, residual: frame.residual, on_fiber: frame.on_fiber, pixels },
    ];
    news("Kept.");
    draw();
    list.lastElementChild.scrollIntoView({ block: "nearest" });
  }

  function remove(item) {
    const place = kept.indexOf(item);
    kept = kept.filter((other) => other !== item);
    draw();
    (list.children[Math.min(place, kept.length - 1)]?.querySelector("button") ?? keep).focus();
  }

  function arrays() {
    files.download("npz", kept.length > 0 ? kept.map((item) => item.state) : [session.committed()]);
  }

  function draw() {
    shelf.write(kept);
    empty.hidden = kept.length > 0;
    list.replaceChildren(...kept.map((item, place) => createItem(item, place, welcome, session, remove)));
  }

  return { element };
}

function createItem(item, place, welcome, session, remove) {
  const canvas = make("canvas", { "aria-hidden": "true" });
  createRaster(canvas, welcome.shape).bytes(fromBase64(item.pixels));
  const name = item.class === null ? "no class" : (welcome.classes?.[item.class] ?? String(item.class));
  const standing = item.on_fiber ? short(item.residual) : "off";
  const restore = button(
    "",
    {
      class: "thumb",
      "data-testid": "kept",
      "aria-label": `Kept image ${place + 1}, class ${name}, residual ${short(item.residual)}`,
      onclick: () => session.commit(item.state),
    },
    canvas,
    make("span", {}, name),
    make("span", { class: "small" }, standing),
  );
  return make(
    "li",
    {},
    restore,
    button("×", { class: "remove", "aria-label": `Remove kept image ${place + 1}`, onclick: () => remove(item) }),
  );
}

/** Keeps the tray through a reload, for this model and these data only; without storage the tray works all the same. */
function createShelf({ model, layer, data, shape }) {
  const name = `fiberscope ${key([model, layer, data, shape])}`;
  return {
    read() {
      try {
        return JSON.parse(sessionStorage.getItem(name)) ?? [];
      } catch {
        return [];
      }
    },
    write(kept) {
      try {
        sessionStorage.setItem(name, JSON.stringify(kept));
      } catch {
        // A full or forbidden storage only means that a reload forgets.
      }
    },
  };
}
