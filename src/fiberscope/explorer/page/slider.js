// A slider from minus to plus with a tick at zero; a double click on it or the button "0" goes back there.
import { button, make } from "./elements.js";
import { amount } from "./format.js";

const STEPS = 120; // from the middle to an end

/** `change(value, time)` is called for each movement, `released(value, time, byKey)` when it is let go. */
export function createSlider({ limit, change, released }) {
  const input = make("input", {
    type: "range",
    class: "signed",
    min: -limit,
    max: limit,
    step: limit / STEPS,
    value: 0,
    oninput: move,
    onchange: drop,
    ondblclick: zero,
    onkeydown: () => {
      byKey = true;
    },
    onpointerdown: () => {
      byKey = false;
    },
  });
  let byKey = false;
  const figure = make("output", { class: "figure", "aria-live": "off" });
  const reset = button("0", { class: "zero", onclick: zero });

  function move(event) {
    draw();
    change(value(), event.timeStamp);
  }

  function drop(event) {
    released(value(), event.timeStamp, byKey);
  }

  function zero(event) {
    if (value() === 0) return;
    set(0);
    change(0, event.timeStamp);
    released(0, event.timeStamp, false);
  }

  // 0.05 has no exact binary form, and states should read well.
  function value() {
    return Math.round(20 * input.valueAsNumber) / 20;
  }

  function set(wanted) {
    if (input.valueAsNumber !== wanted) input.value = wanted;
    draw();
  }

  function draw() {
    const share = 50 + (50 * value()) / limit;
    input.style.setProperty("--low", `${Math.min(share, 50)}%`);
    input.style.setProperty("--high", `${Math.max(share, 50)}%`);
    figure.textContent = amount(value());
    input.setAttribute("aria-valuetext", `${amount(value())} in image distance`);
    reset.disabled = value() === 0;
  }

  function name(title) {
    input.setAttribute("aria-label", title);
    reset.setAttribute("aria-label", `Set ${title} to 0`);
  }

  draw();
  return { input, figure, reset, set, name, value };
}
