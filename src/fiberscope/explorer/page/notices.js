// Says what stands in the way and what to do; the most serious notice is the one that is seen.
import { button, freshId, make } from "./elements.js";

const ORDER = ["connection", "trouble", "fiber", "news"];
const NEWS_STAYS = 6000;

/**
 * Two lines are kept free for it; a longer notice opens over the image by a button, so that the image itself never moves
 * under a brush. `action`, if there is one, is {words, act} of a button beside the notice.
 */
export function createNotices() {
  const notices = new Map();
  const text = make("p", { id: freshId("notice"), role: "status", "aria-live": "polite", "data-testid": "notice" });
  const act = button("Go on", { hidden: true, onclick: () => shown()?.action?.act() });
  const more = button("Read all", { hidden: true, "aria-controls": text.id, onclick: () => open(!isOpen()) });
  const box = make("div", { class: "box", onkeydown: escape }, text, act, more);
  const element = make("div", { class: "notice", "data-topic": "" }, box);
  const sizes = new ResizeObserver(measure);
  sizes.observe(text);
  let timer = 0;

  const isOpen = () => element.classList.contains("open");
  const topic = () => ORDER.find((name) => notices.has(name));
  const shown = () => notices.get(topic());

  function draw() {
    const sentence = shown()?.sentence ?? "";
    if (text.textContent !== sentence) {
      open(false);
      text.textContent = sentence;
    }
    element.dataset.topic = topic() ?? "";
    const action = shown()?.action ?? null;
    act.hidden = action === null;
    if (action !== null) act.textContent = action.words;
    measure();
  }

  // The button itself takes room from the lines, so once it is there it stays with its sentence.
  function measure() {
    if (isOpen()) return;
    if (text.scrollHeight > text.clientHeight + 1) more.hidden = false;
    else if (more.hidden || text.textContent === "") more.hidden = true;
  }

  function open(wide) {
    element.classList.toggle("open", wide);
    more.textContent = wide ? "Less" : "Read all";
    more.setAttribute("aria-expanded", String(wide));
    // What scrolls has to be reached by keys.
    text.tabIndex = wide ? 0 : -1;
    if (!wide) more.hidden = true;
    measure();
  }

  function escape(event) {
    if (event.key !== "Escape" || !isOpen()) return;
    open(false);
    event.stopPropagation();
  }

  /** News go away by themselves, unless they stay until the next. */
  function say(about, sentence, { stays = false, action = null } = {}) {
    notices.set(about, { sentence, action });
    if (about === "news") {
      clearTimeout(timer);
      if (!stays) timer = setTimeout(() => clear("news"), NEWS_STAYS);
    }
    draw();
  }

  function clear(about) {
    if (notices.delete(about)) draw();
  }

  return { element, say, clear };
}
