// One line that says what stands in the way and what to do; the most serious notice is the one that is seen.
import { make } from "./elements.js";

const ORDER = ["connection", "trouble", "fiber", "news"];
const NEWS_STAYS = 6000;

export function createNotices() {
  const sentences = new Map();
  const element = make("p", { class: "notice", role: "status", "aria-live": "polite", "data-testid": "notice" });
  let timer = 0;

  function draw() {
    const topic = ORDER.find((name) => sentences.has(name));
    const sentence = topic === undefined ? "" : sentences.get(topic);
    if (element.textContent !== sentence) element.textContent = sentence;
    element.title = sentence;
    element.dataset.topic = topic ?? "";
  }

  /** News go away by themselves, unless they stay until the next. */
  function say(topic, sentence, stays = false) {
    sentences.set(topic, sentence);
    if (topic === "news") {
      clearTimeout(timer);
      if (!stays) timer = setTimeout(() => clear("news"), NEWS_STAYS);
    }
    draw();
  }

  function clear(topic) {
    if (sentences.delete(topic)) draw();
  }

  return { element, say, clear };
}
