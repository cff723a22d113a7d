// What the network holds of each class, as bars that only ever change their transform and their figure.
import { make } from "./elements.js";
import { percent } from "./format.js";

// With more classes only the surest are listed.
const ROWS = 10;

export function createProbabilities(classes) {
  if (classes === null) return { element: make("p", { class: "small" }, "This network names no classes: see for yourself what the image has become."), draw() {} };
  const rows = classes.slice(0, ROWS).map(createRow);
  const all = classes.length <= ROWS;
  const order = classes.map((_, label) => label);
  const element = make(
    "ul",
    { class: "probabilities", "aria-label": "Class probabilities of the network" },
    ...rows.map((row) => row.element),
  );

  function draw({ probabilities }) {
    if (probabilities === undefined) return;
    if (!all) order.sort((one, other) => probabilities[other] - probabilities[one]);
    let surest = 0;
    probabilities.forEach((share, label) => {
      if (share > probabilities[surest]) surest = label;
    });
    rows.forEach((row, place) => {
      const label = all ? place : order[place];
      row.draw(classes[label], probabilities[label], label === surest);
    });
  }

  return { element, draw };
}

function createRow() {
  const name = make("span", { class: "name" });
  const bar = make("span", { class: "fill" });
  const figure = make("span", { class: "figure" });
  const element = make("li", {}, name, make("span", { class: "track", "aria-hidden": "true" }, bar), figure);
  const shown = { name: null, figure: null, surest: null };

  function draw(words, share, surest) {
    bar.style.transform = `scaleX(${share})`;
    const text = percent(share);
    if (shown.name !== words) name.textContent = shown.name = words;
    if (shown.figure !== text) figure.textContent = shown.figure = text;
    if (shown.surest !== surest) element.classList.toggle("surest", (shown.surest = surest));
  }

  return { element, draw };
}
