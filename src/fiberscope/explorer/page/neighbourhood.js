// How far the latent may be from its target, and how far the image can go along what the network does see.
import { field, make } from "./elements.js";
import { percent, short } from "./format.js";
import { key } from "./state.js";

// With more bars their figures would lie on each other: they are told by name and on hovering only.
const MOST_FIGURES = 12;

export function createNeighbourhood({ channel, session, welcome }) {
  const unit = welcome.radius_unit;
  const slider = make("input", {
    type: "range",
    min: 0,
    max: 1,
    step: 0.01,
    value: 0,
    disabled: unit === null,
    oninput: preview,
    onchange: commit,
  });
  const words = make("p", { class: "result" });
  const chart = createWidths();
  const hint = make("p", { class: "small" });
  const element = make(
    "div",
    { class: "neighbourhood" },
    make(
      "p",
      { class: "small" },
      "Let the latent move a little: every image whose latent is within this radius, a tube around the fiber, counts as the same to the network.",
    ),
    field("Radius", slider),
    words,
    chart.element,
    hint,
  );
  let asked = null;
  session.on("state", sync);

  function wished() {
    return { ...session.committed(), radius: slider.valueAsNumber };
  }

  function preview(event) {
    say();
    session.preview(wished(), { manner: "radius", time: event.timeStamp });
  }

  function commit(event) {
    session.commit(wished(), { manner: "radius", label: "radius", time: event.timeStamp });
  }

  function say() {
    const radius = slider.valueAsNumber;
    const text =
      unit === null
        ? "These data have no classes, so there is no usual distance to measure a radius by."
        : radius === 0
          ? "0: the fiber itself, exactly the same latent."
          : `${percent(radius)} of the usual distance between two images of a class (= ${short(radius * unit)}).`;
    words.textContent = text;
    slider.setAttribute("aria-valuetext", text);
  }

  function sync(state) {
    slider.value = state.radius;
    say();
    refresh();
  }

  function refresh() {
    const state = session.committed();
    const open = state.radius > 0;
    hint.textContent = open
      ? "In Drag, the directions that the network sees can be used now; others have more room."
      : "At 0 the image cannot go anywhere along the directions that the network sees.";
    chart.element.hidden = !open;
    if (!open || element.hidden || asked === key(state)) return;
    asked = key(state);
    chart.element.setAttribute("aria-busy", "true");
    channel.ask({ type: "freedom", state }, (header) => {
      chart.element.removeAttribute("aria-busy");
      if (header.type === "error") session.trouble(header.message);
      if (header.type === "freedom") chart.draw(header);
      else asked = null;
    });
  }

  return { element, shown: refresh, resume: refresh };
}

function createWidths() {
  const bars = make("ol", {
    class: "widths",
    "aria-label": "Freedom along each direction that the network sees, strongest first",
  });
  const largest = make("span", { class: "small" });
  const element = make(
    "figure",
    { class: "freedom", hidden: true },
    make("figcaption", {}, "How far the image can go along each direction that the network does see, strongest first"),
    largest,
    bars,
  );

  function draw({ widths, bounded }) {
    const most = Math.max(...widths.filter((width) => width !== null), 1e-12);
    largest.textContent = `0 to ${short(most)} in image distance`;
    bars.classList.toggle("many", widths.length > MOST_FIGURES);
    bars.replaceChildren(
      ...widths.map((width, place) => {
        const bar = make("span", { class: "fill" });
        bar.style.height = `${(100 * (width ?? 0)) / most}%`;
        const end = width === null ? "undefined" : `${short(width)}${bounded?.[place] === false ? " or more" : ""}`;
        return make(
          "li",
          { title: `direction ${place + 1}: ${end}`, class: bounded?.[place] === false ? "unbounded" : "" },
          bar,
          make("span", { class: "figure" }, width === null ? "–" : short(width)),
          make("span", { class: "unseen" }, bounded?.[place] === false ? " or more" : ""),
        );
      }),
    );
  }

  return { element, draw };
}
