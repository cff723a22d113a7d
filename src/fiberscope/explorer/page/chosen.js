// A button that shows which other image was chosen, and lets a person choose another through the picker.
import { make } from "./elements.js";
import { createRaster } from "./raster.js";
import { key } from "./state.js";

const NOTHING = "Choose an image…";

export function createChosen({ welcome, library, picker, question, change }) {
  const canvas = make("canvas", { "aria-hidden": "true", hidden: true });
  const raster = createRaster(canvas, welcome.shape);
  const words = make("span", {}, NOTHING);
  const element = make("button", { type: "button", class: "chosen", onclick: ask }, canvas, words);
  let reference = null;

  async function ask() {
    const choice = await picker.ask(question);
    if (choice === null) return;
    draw(choice);
    change(choice.reference);
  }

  function draw(choice) {
    reference = choice.reference;
    canvas.hidden = false;
    raster.bytes(choice.pixels);
    const name =
      choice.label === null || choice.label === undefined
        ? ""
        : `, class ${welcome.classes?.[choice.label] ?? choice.label}`;
    words.textContent =
      choice.reference.index === undefined ? "Your own image" : `Image ${choice.reference.index}${name}`;
    element.setAttribute("aria-label", `${words.textContent}: choose another image`);
  }

  /** Show an image that a state names, without anyone having chosen it here. */
  async function set(wanted) {
    if (key(wanted) === key(reference)) return;
    reference = wanted;
    if (wanted === null) {
      canvas.hidden = true;
      words.textContent = NOTHING;
      element.removeAttribute("aria-label");
      return;
    }
    const found = await library.find(wanted).catch(() => null);
    if (found?.pixels && key(wanted) === key(reference)) draw({ ...found, reference: wanted });
  }

  return { element, set, reference: () => reference };
}
