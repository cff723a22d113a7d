// Says where the keyboard's cursor on a canvas is, for those who do not see its outline.
import { make } from "./elements.js";
import { percent } from "./format.js";

export function createCursor() {
  const element = make("p", { class: "unseen", role: "status", "aria-live": "polite", "data-testid": "cursor" });

  /** `pixel` is [column, row] or null; `words` come after its place, then its grey, from 0 to 1. */
  function tell(pixel, grey, words = "") {
    const place = pixel === null ? "" : `row ${pixel[1] + 1}, column ${pixel[0] + 1}`;
    const text = [place, words, place && `grey ${percent(grey)}`].filter((part) => part !== "").join(", ");
    if (element.textContent !== text) element.textContent = text;
  }

  return { element, tell };
}
